"""A checkpoint that cannot be trusted is refused, and says why."""

import hashlib
import io
from pathlib import Path

import pytest
import torch

from tests.contract.small import data, preset, rows, setting, trained
from trainables.engine import checkpoint


@pytest.fixture(scope="module")
def packed():
    method = preset("g-mix")
    return checkpoint.pack(trained(setting(method), rows(method, 2, 1), epochs=1), {"note": [1, "two"]})


def unpack(content, name="g-mix", configurations=2, **changes):
    method = preset(name)
    return checkpoint.unpack(content, setting(method, **changes), data(), rows(method, configurations, 1))


def test_what_the_owner_added_comes_back(packed):
    run, extra = unpack(packed)
    assert run.epoch == 1
    assert extra == {"note": [1, "two"]}


@pytest.mark.parametrize("cut", [0, 10, 40, -1, -1000])
def test_a_torn_checkpoint_is_refused(packed, cut):
    with pytest.raises(ValueError, match="torn or not a checkpoint"):
        unpack(packed[:cut])


def test_one_flipped_bit_is_noticed(packed):
    middle = len(packed) // 2
    with pytest.raises(ValueError, match="torn"):
        unpack(packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :])


def test_a_checkpoint_of_another_net_is_refused(packed):
    with pytest.raises(ValueError, match="its method and net"):
        unpack(packed, on="mlp")


def test_a_checkpoint_of_other_members_is_refused(packed):
    with pytest.raises(ValueError, match=r"its own group, got \[\(1, 0\)\]"):
        unpack(packed, configurations=1)


class Code:
    """Writes a file when somebody unpickles it."""

    def __init__(self, file):
        self.file = str(file)

    def __reduce__(self):
        return Path.touch, (Path(self.file),)


@pytest.mark.parametrize("wrapped", [False, True])
def test_code_in_somebody_elses_checkpoint_is_refused_and_not_executed(wrapped, tmp_path):
    buffer, file = io.BytesIO(), tmp_path / "executed"
    torch.save({"version": checkpoint.VERSION, "extra": Code(file)} if wrapped else Code(file), buffer)
    torch.load(io.BytesIO(buffer.getvalue()), weights_only=False)
    assert file.exists(), "or there is nothing to be seen"
    file.unlink()
    with pytest.raises(ValueError, match="this one holds code"):
        unpack(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    assert not file.exists()


def test_plain_data_that_are_no_checkpoint_are_refused():
    buffer = io.BytesIO()
    torch.save([1, 2], buffer)
    with pytest.raises(ValueError, match="of version 1, got list"):
        unpack(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
