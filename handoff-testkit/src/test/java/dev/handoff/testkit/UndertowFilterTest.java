package dev.handoff.testkit;

class UndertowFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
