// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

/** Counts words, which are separated by white space. This server has no tokenizer. */
final class Words {

    private Words() {}

    /** Returns how many words a text has. */
    static int count(CharSequence text) {
        int words = 0;
        boolean inWord = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean space = c == ' ' || (c >= '\t' && c <= '\r');
            words += !space && !inWord ? 1 : 0;
            inWord = !space;
        }
        return words;
    }
}
