package dev.handoff.testkit.contract;

class JettyJsonLinesTest extends JsonLinesContract {

    @Override
    protected ServletContainer container() {
        return new JettyContainer();
    }
}
