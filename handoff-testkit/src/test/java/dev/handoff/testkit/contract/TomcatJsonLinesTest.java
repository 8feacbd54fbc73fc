package dev.handoff.testkit.contract;

class TomcatJsonLinesTest extends JsonLinesContract {

    @Override
    protected ServletContainer container() {
        return new TomcatContainer();
    }
}
