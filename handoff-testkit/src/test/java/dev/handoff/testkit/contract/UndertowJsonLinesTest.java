package dev.handoff.testkit.contract;

class UndertowJsonLinesTest extends JsonLinesContract {

    @Override
    protected ServletContainer container() {
        return new UndertowContainer();
    }
}
