from contracts.identifiers import new_id


def test_an_identifier_is_a_uuid_of_version_7() -> None:
    made = new_id()

    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


def test_identifiers_sort_in_the_order_of_their_making() -> None:
    made = [new_id() for _ in range(2000)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)
