package dev.handoff.testkit.contract;

class UndertowFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
