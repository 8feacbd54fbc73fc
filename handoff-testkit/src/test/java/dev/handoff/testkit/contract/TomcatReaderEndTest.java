package dev.handoff.testkit.contract;

class TomcatReaderEndTest extends ReaderEndContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
