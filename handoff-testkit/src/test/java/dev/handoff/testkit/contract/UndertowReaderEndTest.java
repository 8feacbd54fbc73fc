package dev.handoff.testkit.contract;

class UndertowReaderEndTest extends ReaderEndContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
