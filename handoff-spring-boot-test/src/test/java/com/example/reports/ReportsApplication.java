// SPDX-License-Identifier: Apache-2.0
package com.example.reports;

import org.springframework.boot.autoconfigure.SpringBootApplication;

@SpringBootApplication
class ReportsApplication {}
