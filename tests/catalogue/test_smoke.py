"""The catalogue starts, takes records in and answers, on both stores."""

from served import dataset, document, include, instrument, quantity, segment


def test_smoke(make):
    c = make(
        [
            instrument("i1", "ID01"),
            document("10.1/doc", "A proposal"),
            dataset(
                "10.1/a",
                "First",
                instrument="i1",
                documents=["10.1/doc"],
                parameters=[{"name": "e", "value": 930, "unit": "eV"}],
                files=[{"name": "a.h5"}],
            ),
            dataset("10.1/b", "Second", techniques=[{"pid": "t1", "name": "Diffraction"}]),
        ]
    )
    assert c.pids("Datasets") == ["10.1/a", "10.1/b"]
    assert c.pids("datasets", {"include": [quantity("e", {"between": [0.88, 0.99]}, "keV")]}) == ["10.1/a"]
    assert c.pids("Datasets", {"include": [include("techniques", {"name": "diffraction"})]}) == ["10.1/b"]
    assert c.get(f"Datasets/{segment('10.1/a')}/files/count") == {"count": 1}
    assert c.count("Datasets", {"text": "SECOND"}) == 1
    assert [d["pid"] for d in c.get("Documents", filter={"include": ["datasets"]})[0]["datasets"]] == ["10.1/a"]
