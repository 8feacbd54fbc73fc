"""Checks of what a release publishes: the BOM names every published module."""

import pathlib
import sys
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(sys.argv[1])
GROUP = "dev.handoff"
POM = {"": "http://maven.apache.org/POM/4.0.0"}
checks = 0


def check(what, holds):
    global checks
    if not holds:
        raise SystemExit(f"FAILED (release): {what}")
    checks += 1


class Pom:
    """A POM file, without what it inherits."""

    def __init__(self, path):
        self.path = path
        self.root = xml.parse(path).getroot()

    def text(self, path):
        return (self.root.findtext(path, "", POM) or "").strip()

    def managed(self):
        """The dependencies of this project's group that the POM manages: their names and versions."""
        entries = [
            [(entry.findtext(tag, "", POM) or "").strip() for tag in ("groupId", "artifactId", "version")]
            for entry in self.root.findall("dependencyManagement/dependencies/dependency", POM)
        ]
        return {artifact: version for group, artifact, version in entries if group == GROUP}

    def published(self):
        return self.text("properties/maven.deploy.skip") != "true"


def modules():
    parent = Pom(ROOT / "pom.xml")
    names = [module.text for module in parent.root.findall("modules/module", POM)]
    return parent, [Pom(ROOT / name / "pom.xml") for name in names]


def check_bom(parent, libraries, bom):
    check("the parent POM names published modules with a jar", libraries)
    names = {library.text("artifactId") for library in libraries}
    listed = bom.managed()
    check(f"handoff-bom lists exactly the published modules {sorted(names)}, it lists {sorted(listed)}", set(listed) == names)
    for name, version in listed.items():
        check(f"handoff-bom gives {name} the version of the project, it gives {version}", version == "${project.version}")
    missing = names - set(parent.managed())
    check(f"the parent POM manages every published module, {sorted(missing)} are missing", not missing)


parent, children = modules()
published = [child for child in children if child.published()]
libraries = [child for child in published if child.text("packaging") in ("", "jar")]
boms = [child for child in published if child.text("artifactId") == "handoff-bom"]
check("handoff-bom is a published module", len(boms) == 1)
check_bom(parent, libraries, boms[0])
print(f"release: {checks} passed, 0 failed")
