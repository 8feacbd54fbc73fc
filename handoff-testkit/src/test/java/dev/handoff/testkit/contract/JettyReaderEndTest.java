package dev.handoff.testkit.contract;

class JettyReaderEndTest extends ReaderEndContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
