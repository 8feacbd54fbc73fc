// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import java.util.List;

/** Has the pages about a topic. */
interface Archive {

    List<String> pages(String topic);
}
