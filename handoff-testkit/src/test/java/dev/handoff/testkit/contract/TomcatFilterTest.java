package dev.handoff.testkit.contract;

class TomcatFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
