"""The sealed container: what goes in comes out, and nothing else ever does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.encoding import jcs, strict_json
from did_service.core.errors import DidServiceError
from tests.support.json_values import values
from tests.support.purse import PASSPHRASE, cheap, seeded
from wallet_cli.record import PAD_BYTES
from wallet_cli.vault import Vault, new_id, open_vault, reopen

CARD = {"alias": "residence-permit-1", "name": "王小明", "height": 1.75, "far": 1e17}


def made(**records):
    """A vault with records by id, and the file it makes."""
    vault = Vault.create(PASSPHRASE, seeded(), cheap)
    for name, value in records.items():
        vault = vault.put(name, "card", value, seeded(2))
    return vault.encode(seeded(3))


def refusal(step):
    with pytest.raises(DidServiceError) as caught:
        step()
    return caught.value.code


def edited(data, **members):
    """The file with top-level members replaced, spelled as we spell it."""
    return jcs.encode({**strict_json.load_object(data), **members}) + b"\n"


def members(data):
    return strict_json.load_object(data)


# --- what goes in comes out ----------------------------------------


@given(st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=4))
def test_what_was_put_in_comes_out(values):
    _, data = made(**{f"r{i}": value for i, value in enumerate(values)})
    opened = open_vault(data, PASSPHRASE)
    assert [opened.records[f"r{i}"].value for i in range(len(values))] == values


def deep(levels):
    return {"x": deep(levels - 1)} if levels else {}


@pytest.mark.parametrize("value", [deep(33), deep(40)])
def test_what_could_not_be_read_again_is_not_sealed(value):
    assert refusal(lambda: made(a=value)) == "record_unreadable"


def test_the_data_key_opens_it_without_the_passphrase():
    vault, data = made(a=CARD)
    assert reopen(data, vault) == open_vault(data, PASSPHRASE)


def test_each_writing_counts():
    vault, _ = made(a=CARD)
    written, again = vault.encode(seeded(4))
    assert (vault.counter, written.counter) == (1, 2)
    assert open_vault(again, PASSPHRASE).counter == 2


def test_each_change_of_a_record_has_its_own_version():
    vault, _ = made(a=CARD)
    vault = vault.put("a", "card", {}, seeded(5))
    assert vault.records["a"].version == 2
    assert vault.records["a"].value == {}


def test_a_dropped_record_is_gone():
    vault, _ = made(a=CARD, b={})
    _, data = vault.drop(["a"]).encode(seeded(6))
    assert set(open_vault(data, PASSPHRASE).records) == {"b"}


def test_records_are_found_by_kind():
    vault, _ = made(a=CARD)
    vault = vault.put("b", "other", {}, seeded(7))
    assert [record.id for record in vault.of_kind("other")] == ["b"]


def test_a_full_wallet_takes_no_more_records_but_changes_those_it_has(monkeypatch):
    monkeypatch.setattr("wallet_cli.vault.MAX_WALLET_RECORDS", 1)
    vault, _ = made(a=CARD)
    assert refusal(lambda: vault.put("b", "card", {}, seeded())) == "wallet_full"
    assert vault.put("a", "card", {}, seeded()).records["a"].value == {}


def test_ids_are_random_and_never_look_like_an_option():
    rng = seeded(8)
    ids = {new_id(rng) for _ in range(200)}
    assert len(ids) == 200
    assert all(each[0].isalpha() for each in ids)


# --- what the file shows ----------------------------------------


def test_neither_names_nor_types_nor_values_can_be_read_in_the_file():
    _, data = made(a=CARD)
    assert b"residence" not in data
    assert "王".encode() not in data


@given(st.integers(0, 600))
def test_records_come_in_steps_of_256_bytes(length):
    _, data = made(a={"x": "y" * length})
    (record,) = members(data)["records"]
    sealed = len(strict_json.Fields(record, "record").data("sealed")) - 16
    assert sealed % PAD_BYTES == 0
    assert sealed - PAD_BYTES <= length + 16


def test_secrets_do_not_show_in_a_repr():
    vault, _ = made(a=CARD)
    text = repr(vault)
    assert "王" not in text
    assert repr(vault.key) not in text
    assert repr(vault.slots[0].wrapped) not in text


def test_the_same_record_sealed_twice_has_two_ciphertexts():
    rng = seeded(9)
    vault = Vault.create(PASSPHRASE, rng, cheap)
    vault = vault.put("a", "card", CARD, rng).put("b", "card", CARD, rng)
    assert vault.records["a"].sealed != vault.records["b"].sealed


# --- what was changed is refused ----------------------------------------

VAULT, FILE = made(a=CARD, b={"n": 1})
LARGE_COSTS = (b'"memory_bytes":8192', b'"passes":1')


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused_with_a_code(position, mask):
    flipped = bytearray(FILE)
    flipped[position] ^= mask
    for costs in LARGE_COSTS:  # a digit more may ask for gigabytes: see the next test
        if costs not in FILE or FILE.index(costs) <= position < FILE.index(costs) + len(costs):
            return
    assert refusal(lambda: open_vault(bytes(flipped), PASSPHRASE)) in {
        "passphrase_wrong",
        "store_damaged",
        "store_newer",
    }


@pytest.mark.parametrize(("passes", "memory"), [(2, 8_192), (1, 16_384), (3, 65_536)])
def test_other_costs_than_those_sealed_do_not_open_it(passes, memory):
    (slot,) = members(FILE)["slots"]
    kdf = {**slot["kdf"], "passes": passes, "memory_bytes": memory}
    changed = edited(FILE, slots=[{**slot, "kdf": kdf}])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "passphrase_wrong"


@given(st.integers(0, len(FILE) - 1))
def test_a_file_cut_short_is_refused(length):
    assert refusal(lambda: open_vault(FILE[:length], PASSPHRASE)) == "store_damaged"


@given(st.binary(max_size=200))
def test_any_bytes_give_a_code(data):
    assert refusal(lambda: open_vault(data, PASSPHRASE)) in {"store_damaged", "store_newer"}


@given(st.text(max_size=40).filter(lambda text: text != PASSPHRASE))
def test_another_passphrase_is_refused(passphrase):
    assert refusal(lambda: open_vault(FILE, passphrase)) == "passphrase_wrong"


@pytest.mark.parametrize(("passes", "memory"), [(17, 8_192), (1, 2**31 + 1), (10**9, 2**40)])
def test_absurd_costs_are_refused_before_they_are_paid(passes, memory):
    (slot,) = members(FILE)["slots"]
    kdf = {**slot["kdf"], "passes": passes, "memory_bytes": memory}
    changed = edited(FILE, slots=[{**slot, "kdf": kdf}])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "kdf_too_costly"


def test_a_later_format_is_left_to_later_releases():
    changed = edited(FILE, format="didsvc-wallet/2")
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_newer"


def test_another_kind_of_slot_is_left_to_later_releases():
    (slot,) = members(FILE)["slots"]
    changed = edited(FILE, slots=[{**slot, "type": "recovery"}])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_newer"


def test_a_dropped_record_is_missed():
    first, _ = members(FILE)["records"]
    changed = edited(FILE, records=[first])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_damaged"


def test_a_record_cannot_stand_twice():
    first, second = members(FILE)["records"]
    changed = edited(FILE, records=[first, second, second])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_damaged"


def test_a_record_cannot_take_the_place_of_another():
    first, second = members(FILE)["records"]
    swapped = [{**first, "id": second["id"]}, {**second, "id": first["id"]}]
    changed = edited(FILE, records=swapped)
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_damaged"


def test_a_record_cannot_change_its_kind():
    first, second = members(FILE)["records"]
    changed = edited(FILE, records=[{**first, "kind": "identity"}, second])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_damaged"


def test_a_record_of_another_wallet_does_not_fit():
    other = Vault.create(PASSPHRASE, seeded(99), cheap).put("a", "card", {}, seeded(98))
    first, second = members(FILE)["records"]
    foreign = {**other.records["a"].encode(), "id": first["id"]}
    changed = edited(FILE, records=[foreign, second])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_damaged"


def test_no_slot_means_no_way_in():
    assert refusal(lambda: open_vault(edited(FILE, slots=[]), PASSPHRASE)) == "store_damaged"


def test_a_file_spelled_otherwise_is_refused():
    spelled = strict_json.dumps(members(FILE)).encode()
    assert refusal(lambda: open_vault(spelled, PASSPHRASE)) == "store_damaged"


# --- another passphrase ----------------------------------------


def test_a_new_passphrase_opens_what_the_old_one_sealed():
    changed = VAULT.with_passphrase("a much longer sentence", seeded(10), cheap)
    _, data = changed.encode(seeded(11))
    assert open_vault(data, "a much longer sentence").records == VAULT.records
    assert refusal(lambda: open_vault(data, PASSPHRASE)) == "passphrase_wrong"


def test_the_slot_of_an_old_file_does_not_fit_into_the_new_one():
    changed = VAULT.with_passphrase("a much longer sentence", seeded(10), cheap)
    _, data = changed.encode(seeded(11))
    changed = edited(data, slots=members(FILE)["slots"])
    assert refusal(lambda: open_vault(changed, PASSPHRASE)) == "store_damaged"
