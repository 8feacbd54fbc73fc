package dev.handoff.testkit.contract;

class JettyRouteTest extends HandoffRouteContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
