package dev.handoff.testkit.contract;

class TomcatRouteTest extends HandoffRouteContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
