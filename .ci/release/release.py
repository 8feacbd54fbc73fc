"""Checks what a release publishes: release.py REPOSITORY STAGING, where STAGING is the folder that the release was deployed to.

Maven Central demands the elements of the POM and the jars of the sources and the Javadoc: https://central.sonatype.org/publish/requirements/
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as xml
import zipfile

ROOT, STAGING = map(pathlib.Path, sys.argv[1:])
GROUP = "dev.handoff"
POM = {"": "http://maven.apache.org/POM/4.0.0"}
DEMANDED = (
    "name",
    "description",
    "url",
    "licenses/license/name",
    "licenses/license/url",
    "developers/developer/name",
    "scm/connection",
    "scm/developerConnection",
    "scm/url",
)
# Modular applications name these in module-info.java, so a change breaks their builds.
MODULES = {
    "handoff-core": "dev.handoff",
    "handoff-servlet": "dev.handoff.servlet",
    "handoff-jaxrs": "dev.handoff.jaxrs",
    "handoff-netty": "dev.handoff.netty",
    "handoff-mongo": "dev.handoff.mongo",
    "handoff-minibatch": "dev.handoff.minibatch",
    "handoff-micrometer": "dev.handoff.micrometer",
    "handoff-spring-boot-autoconfigure": "dev.handoff.spring",
    "handoff-spring-boot-starter": "dev.handoff.spring.starter",
    "handoff-spring-boot-test": "dev.handoff.spring.test",
    "handoff-testkit": "dev.handoff.testkit",
}
checks = 0


def fail(what):
    raise SystemExit(f"FAILED (release): {what}")


def check(what, holds):
    global checks
    if not holds:
        fail(what)
    checks += 1


class Pom:
    """A POM file, without what it inherits."""

    def __init__(self, path):
        self.root = xml.parse(path).getroot()
        self.artifact = self.text("artifactId")

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

    def is_library(self):
        return self.text("packaging") in ("", "jar")


def staged(artifact, version, suffix):
    """The staged file of a module. The names of snapshots have a time instead of the word SNAPSHOT."""
    time = re.escape(version.removesuffix("SNAPSHOT")) + (r"\d{8}\.\d{6}-\d+" if version.endswith("-SNAPSHOT") else "")
    folder = STAGING / GROUP.replace(".", "/") / artifact / version
    names = [path for path in folder.glob("*") if re.fullmatch(f"{artifact}-{time}{re.escape(suffix)}", path.name)]
    check(f"{artifact} has one staged file {suffix}, it has {[path.name for path in names]}", len(names) == 1)
    return names[0]


def check_bom(parent, libraries, bom):
    check("the parent POM names published modules with a jar", libraries)
    names = {library.artifact for library in libraries}
    listed = bom.managed()
    check(f"handoff-bom lists exactly the published modules {sorted(names)}, it lists {sorted(listed)}", set(listed) == names)
    for name, version in listed.items():
        check(f"handoff-bom gives {name} the version of the project, it gives {version}", version == "${project.version}")
    missing = names - set(parent.managed())
    check(f"the parent POM manages every published module, {sorted(missing)} are missing", not missing)


def check_pom(artifact, version, parent):
    """Checks the elements that Maven Central demands. They may come from the staged parent."""
    pom = Pom(staged(artifact, version, ".pom"))
    inherited = parent if pom.text("parent/artifactId") == parent.artifact else None
    for element in DEMANDED:
        own = element in ("name", "description")
        check(f"{artifact} has {element} in its POM", pom.text(element) or (inherited and not own and inherited.text(element)))
    check(f"{artifact} has the version {version}", (pom.text("version") or pom.text("parent/version")) == version)
    return pom


def names_in(jar):
    with zipfile.ZipFile(jar) as file:
        return file.namelist()


# A starter only names dependencies. Maven Central demands jars of sources and Javadoc all the same.
WITHOUT_CODE = {"handoff-spring-boot-starter"}


def check_jars(artifact, version):
    classes = [name for name in names_in(staged(artifact, version, ".jar")) if name.endswith(".class")]
    if artifact in WITHOUT_CODE:
        check(f"the jar of {artifact} has no classes", not classes)
        for kind in ("-sources.jar", "-javadoc.jar"):
            check(f"{artifact}{kind} says that there is no code", "README.md" in names_in(staged(artifact, version, kind)))
        return
    check(f"the jar of {artifact} has classes", classes)
    sources = [name for name in names_in(staged(artifact, version, "-sources.jar")) if name.endswith(".java")]
    check(f"the jar of the sources of {artifact} has sources", sources)
    check(f"the jar of the Javadoc of {artifact} has pages", "index.html" in names_in(staged(artifact, version, "-javadoc.jar")))


def automatic_module_name(jar):
    with zipfile.ZipFile(jar) as file:
        manifest = file.read("META-INF/MANIFEST.MF").decode()
    unfolded = re.sub(r"\r?\n ", "", manifest)
    return re.findall(r"^Automatic-Module-Name: (.*?)\r?$", unfolded, re.MULTILINE)


def check_modules(artifacts, version):
    check(f"the names of the Java modules are known for {sorted(artifacts)}", set(MODULES) == artifacts)
    owners = {}
    for artifact in sorted(artifacts):
        jar = staged(artifact, version, ".jar")
        names = automatic_module_name(jar)
        check(f"the jar of {artifact} has the module name {MODULES[artifact]}, it has {names}", names == [MODULES[artifact]])
        packages = {name.rpartition("/")[0].replace("/", ".") for name in names_in(jar) if name.endswith(".class")}
        for package in sorted(packages):
            check(f"the package {package} of {artifact} begins with its module name", f"{package}.".startswith(f"{MODULES[artifact]}."))
            check(f"{artifact} and {owners.get(package)} do not share the package {package}", package not in owners)
            owners[package] = artifact


def main():
    parent = Pom(ROOT / "pom.xml")
    version = parent.text("version")
    children = [Pom(ROOT / module.text / "pom.xml") for module in parent.root.findall("modules/module", POM)]
    published = [child for child in children if child.published()]
    libraries = [child for child in published if child.is_library()]
    boms = [child for child in published if child.artifact == "handoff-bom"]
    check("handoff-bom is a published module", len(boms) == 1)
    check_bom(parent, libraries, boms[0])

    expected = {parent.artifact, *(child.artifact for child in published)}
    found = {path.parent.parent.name for path in STAGING.rglob("*.pom")}
    check(f"a release stages {sorted(expected)}, it staged {sorted(found)}", found == expected)
    staged_parent = Pom(staged(parent.artifact, version, ".pom"))
    for artifact in sorted(expected):
        check_pom(artifact, version, staged_parent)
    bom = Pom(staged("handoff-bom", version, ".pom"))
    check("the staged handoff-bom has no parent, whose versions an import would bring along", not bom.text("parent/artifactId"))
    for library in libraries:
        check_jars(library.artifact, version)
    check_modules({library.artifact for library in libraries}, version)
    print(f"release: {checks} passed, 0 failed")


main()
