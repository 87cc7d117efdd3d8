from tcae.pipeline.verify.findings import EXAMPLES, Findings


def noted(number: int, kind: str = "missing file") -> Findings:
    findings = Findings()
    for index in range(number):
        findings.note(kind, f"file {index}", "is not there", "make it")
    return findings


def test_all_findings_are_counted_and_few_are_kept() -> None:
    findings = noted(EXAMPLES + 5)
    assert findings.total == EXAMPLES + 5
    assert [(kind, len(examples), more) for kind, examples, more in findings] == [("missing file", EXAMPLES, 5)]


def test_adding_findings_keeps_counts_and_the_limit() -> None:
    findings = noted(EXAMPLES - 1)
    findings.add(noted(3))
    findings.add(noted(2, "orphan file"))
    assert findings.total == EXAMPLES + 4
    assert [found.path for found in findings.examples["missing file"]][-1] == "file 0"
    assert [(kind, more) for kind, _, more in findings] == [("missing file", 2), ("orphan file", 0)]
