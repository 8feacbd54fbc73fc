package dev.handoff.testkit;

class TomcatFilterTest extends HandoffFilterContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
