# SPDX-License-Identifier: Apache-2.0
"""The driver against tables of registers: what it asks, how often, what it believes, what it never writes."""

from __future__ import annotations

import errno
import os

import pytest

from agent.hardware.pmbus.budget import share_of_bus
from agent.hardware.pmbus.capability import REFUSALS
from agent.hardware.pmbus.formats import encode_linear11
from agent.hardware.pmbus.link import TRIES
from agent.hardware.pmbus.quirks import quirks_of
from agent.hardware.pmbus.registers import Register
from agent.hardware.pmbus.status import BITS, Fault, Status, StatusWord
from agent.hardware.pmbus.supply import PmbusSupply
from tests.agent.hardware.registers_port import RegistersPort

R = Register


def a_supply(**more: int) -> RegistersPort:
    return RegistersPort(
        {
            R.VOUT_MODE: 0x17,
            R.READ_VIN: encode_linear11(230.0),
            R.READ_VOUT: 0x1833,
            R.READ_IOUT: encode_linear11(10.0),
            R.READ_PIN: encode_linear11(130.0),
            R.MFR_POUT_MAX: encode_linear11(550.0),
            **{Register[name]: value for name, value in more.items()},
        },
        {R.MFR_ID: b"PGOOD", R.MFR_MODEL: b"CRPS-550 \0\0", R.MFR_SERIAL: b"S1"},
    )


def test_readings_and_identity() -> None:
    port, supply = a_supply(), PmbusSupply(0x58)
    identity = supply.identity(port)
    assert (identity.mfr_id, identity.mfr_model, identity.serial, identity.revision) == ("PGOOD", "CRPS-550", "S1", "")
    assert identity.rated_w == 550.0
    readings = supply.readings(port)
    assert (readings.vin_v, readings.iout_a, readings.iin_a) == (230.0, 10.0, None)
    assert readings.pout_w == pytest.approx(121.0, abs=0.01)  # no READ_POUT: volts times amperes
    assert readings.efficiency == pytest.approx(121 / 130, abs=0.01)
    assert port.written == []


def test_a_missing_register_is_not_asked_for_again() -> None:
    port, supply = a_supply(), PmbusSupply(0x58)
    supply.identity(port)
    for _ in range(5):
        supply.readings(port)
    missing = [register for register in port.asked if register not in port.words and register not in port.blocks]
    assert R.READ_POUT in missing
    assert {register: port.asked[register] for register in missing} == dict.fromkeys(missing, REFUSALS)
    supply.identity(port)  # another supply was inserted: everything is learned anew
    supply.readings(port)
    assert port.asked[R.READ_POUT] == 2 * REFUSALS


@pytest.mark.parametrize("at", range(24))
@pytest.mark.parametrize("error", [errno.ENXIO, errno.EPROTO])
def test_one_disturbed_transaction_costs_no_register(at: int, error: int) -> None:
    """As many transactions as learning takes, each disturbed once."""
    port, supply = a_supply(), PmbusSupply(0x58)
    port.fails_at = at, OSError(error, "noise")
    identity = supply.identity(port)
    readings = supply.readings(port)
    assert port.fails_at is None
    assert (identity.mfr_id, identity.mfr_model, identity.serial) == ("PGOOD", "CRPS-550", "S1")
    assert identity.rated_w == 550.0
    assert (readings.vin_v, readings.pin_w, readings.iout_a) == (230.0, 130.0, 10.0)


@pytest.mark.parametrize("refused", range(24))
def test_a_supply_that_is_plugged_in_meanwhile_is_known_whole_or_not_at_all(refused: int) -> None:
    port, supply = a_supply(), PmbusSupply(0x58)
    port.failures = [OSError(errno.ENXIO, "nobody there yet")] * refused
    try:
        identity = supply.identity(port)
    except OSError:
        assert refused >= TRIES
    else:
        assert refused < TRIES
        assert (identity.mfr_id, identity.mfr_model, identity.serial) == ("PGOOD", "CRPS-550", "S1")
        assert supply.readings(port).pin_w == 130.0


def test_a_supply_that_was_pulled_has_not_lost_its_registers() -> None:
    port, supply = a_supply(), PmbusSupply(0x58)
    port.failures = [OSError(errno.ENXIO, "gone")] * 20
    with pytest.raises(OSError, match="gone"):
        supply.readings(port)
    port.failures = []
    assert supply.readings(port).vin_v == 230.0


def test_tries_are_bounded_and_a_stuck_bus_is_tried_once() -> None:
    port, supply = a_supply(), PmbusSupply(0x58)
    port.failures = [OSError(errno.EIO, "noise")] * (TRIES - 1)
    assert supply.readings(port).vin_v == 230.0
    assert supply.repeats == TRIES - 1
    port.asked.clear()
    port.failures = [OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))] * 20
    with pytest.raises(TimeoutError):
        supply.readings(port)
    assert sum(port.asked.values()) == 1


@pytest.mark.parametrize(
    ("capability", "works", "believed"),
    [(0x80, True, True), (0x80, False, False), (0x00, True, False), (0xFF, False, False)],
)
def test_packet_error_codes_are_believed_when_proven(capability: int, works: bool, believed: bool) -> None:
    port, supply = a_supply(CAPABILITY=capability), PmbusSupply(0x58)
    port.pec_works = works
    supply.identity(port)
    assert supply.pec is believed
    port.with_pec.clear()
    supply.readings(port)
    assert port.with_pec[not believed] == 0


def test_status_falls_back_to_its_byte_and_never_believes_a_floating_bus() -> None:
    port, supply = a_supply(STATUS_WORD=0xFFFF, STATUS_BYTE=0x40), PmbusSupply(0x58)
    assert supply.status(port).word == StatusWord.OFF
    port.words[R.STATUS_BYTE] = 0xFF
    with pytest.raises(OSError, match="rotocol"):
        supply.status(port)


def test_no_fault_is_cleared_by_reading() -> None:
    port, supply = a_supply(STATUS_WORD=0x2008, STATUS_INPUT=0x10), PmbusSupply(0x58)
    for _ in range(3):
        readings = supply.readings(port)
        assert readings.status.faults == {Fault.VIN_UV}
        assert not readings.input_lost  # latched: 230 V are measured
    assert port.written == []


@pytest.mark.parametrize("register", BITS)
def test_every_status_bit_is_a_typed_fault(register: Register) -> None:
    for bit, fault in enumerate(BITS[register]):
        found = Status(StatusWord(0), ((register, 0x80 >> bit),)).faults
        assert found == (frozenset() if fault is None else {fault})


def test_direct_format_by_coefficients() -> None:
    port, supply = a_supply(VOUT_MODE=0x40, READ_VOUT=1210, READ_IOUT=0, READ_VIN=2300, READ_PIN=0), PmbusSupply(0x58)
    port.coefficients = {R.READ_VOUT: bytes.fromhex("64 00 00 00 00"), R.READ_VIN: bytes.fromhex("0a 00 00 00 00")}
    readings = supply.readings(port)
    assert (readings.vout_v, readings.vin_v, readings.pin_w) == (12.1, 230.0, None)
    supply.readings(port)
    assert port.asked[R.COEFFICIENTS] <= 6


def test_pages_are_selected_and_checked() -> None:
    port, supply = a_supply(), PmbusSupply(0x58, pages=2)
    readings = supply.readings(port)
    assert [output.page for output in readings.outputs] == [1]
    assert port.written == [(R.PAGE, 0), (R.PAGE, 1), (R.PAGE, 0)]


def test_energy_counters_give_average_watts() -> None:
    port, supply = a_supply(), PmbusSupply(0x58)
    port.blocks[R.READ_EIN] = bytes.fromhex("00 00 00 00 00 00")
    assert supply.readings(port).average_in_w is None
    port.blocks[R.READ_EIN] = (1500).to_bytes(2, "little") + b"\0" + (10).to_bytes(3, "little")
    assert supply.readings(port).average_in_w == 150.0


def test_models_on_which_d0h_is_something_else() -> None:
    for maker, model in (("ADI", "ADM1276-3"), ("TI", "INA233"), ("TI", "LM25066")):
        assert not quirks_of(maker, model).role_register
    assert quirks_of("PGOOD", "CRPS").role_register


def test_polling_four_supplies_fits_a_slow_bus() -> None:
    """Status at 10 Hz and everything at 1 Hz, every register present, with packet error codes: docs/architecture.md."""
    assert share_of_bus(4) < 0.20
    assert share_of_bus(8) < 0.40
    assert share_of_bus(4, gap_us=1000) < 0.35
