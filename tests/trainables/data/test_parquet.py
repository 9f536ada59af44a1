import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.trainables.data.files import encoded, labels, pictures, refused
from trainables.data.load import load


def write(path, x, y, *, names=None, nested=True, **more):
    contents = [encoded(picture) for picture in x]
    column = [{"bytes": content, "path": None} for content in contents] if nested else contents
    table = pa.table({"image": column, "label": y, **more})
    if names:
        head = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(head)})
    pq.write_table(table, path, row_group_size=7)


@pytest.mark.parametrize("nested", [True, False])
def test_the_hubs_layout_is_read_with_its_class_names(tmp_path, nested):
    x, test = pictures(30, 3, 8), pictures(10, 3, 8, 5)
    write(tmp_path / "train-00000-of-00002.parquet", x[:20], labels(20, 2), names=["cat", "dog"], nested=nested)
    write(tmp_path / "train-00001-of-00002.parquet", x[20:], labels(10, 2), names=["cat", "dog"], nested=nested)
    write(tmp_path / "test-00000-of-00001.parquet", test, labels(10, 2), names=["cat", "dog"], nested=nested)
    data = load("parquet", path=str(tmp_path))
    assert data.classes == ("cat", "dog")
    assert len(data.train) + len(data.selection) == 30
    assert data.test.x.numpy().tobytes() == test.tobytes()


def test_columns_of_other_names_and_groups_are_taken_as_told(tmp_path):
    table = pa.table({"img": [encoded(p) for p in pictures(20, 1, 8)], "kind": ["a", "b"] * 10, "place": [0] * 10 + [1] * 10})
    pq.write_table(table, tmp_path / "set.parquet")
    data = load("parquet", path=str(tmp_path / "set.parquet"), image="img", label="kind", group="place", test_share=0.3)
    assert data.classes == ("a", "b")
    assert data.groups == ("0", "1")
    assert "must have a column 'image', it has ['img', 'kind', 'place']" in refused("parquet", tmp_path / "set.parquet", label="kind")


def test_a_picture_that_is_none_is_named_with_its_row(tmp_path):
    contents = [encoded(p) for p in pictures(20, 1, 8)]
    contents[11] = b"no picture"
    pq.write_table(pa.table({"image": contents, "label": labels(20, 2)}), tmp_path / "set.parquet")
    assert "set.parquet, row 11 must be a picture" in refused("parquet", tmp_path / "set.parquet")


def test_a_truncated_picture_is_named_with_its_row(tmp_path):
    contents = [encoded(p) for p in pictures(20, 1, 32)]
    contents[3] = contents[3][:-200]
    pq.write_table(pa.table({"image": contents, "label": labels(20, 2)}), tmp_path / "set.parquet")
    assert "set.parquet, row 3 is truncated or corrupt" in refused("parquet", tmp_path / "set.parquet")


def test_a_missing_picture_is_named_with_its_row(tmp_path):
    contents = [encoded(p) for p in pictures(20, 1, 8)]
    pq.write_table(pa.table({"image": [*contents[:5], None, *contents[6:]], "label": labels(20, 2)}), tmp_path / "set.parquet")
    assert "row 5: image must hold an encoded picture, got NoneType" in refused("parquet", tmp_path / "set.parquet")


def test_labels_that_are_no_labels_are_refused(tmp_path):
    write(tmp_path / "set.parquet", pictures(4), np.array([0.5, 1.0, 0.0, 1.0]))
    assert "label must hold whole numbers or text throughout, got ['float']" in refused("parquet", tmp_path / "set.parquet")


def test_truncated_and_foreign_files_are_refused_with_their_size(tmp_path):
    write(tmp_path / "set.parquet", pictures(20), labels(20, 2))
    content = (tmp_path / "set.parquet").read_bytes()
    (tmp_path / "set.parquet").write_bytes(content[:-50])
    found = refused("parquet", tmp_path / "set.parquet")
    assert f"is no readable Parquet file ({len(content) - 50} bytes)" in found
    assert f"at its end, offset {len(content) - 54}, it has {content[-54:-50].hex(' ')}, not 50 41 52 31 (PAR1)" in found
    for other, said in ((b"", "it is empty, it ends at offset 0"), (b"PK\x03\x04 and more", "at offset 0 it begins with 50 4b 03 04")):
        (tmp_path / "set.parquet").write_bytes(other)
        assert f"is no readable Parquet file ({len(other)} bytes): {said}" in refused("parquet", tmp_path / "set.parquet")


def test_a_corrupt_column_and_a_corrupt_footer_are_named_with_where_they_begin(tmp_path):
    path = tmp_path / "set.parquet"
    write(path, pictures(20), labels(20, 2))
    content, part = path.read_bytes(), pq.read_metadata(path).row_group(0).column(0)
    start = part.dictionary_page_offset or part.data_page_offset
    broken = bytearray(content)
    broken[start : start + 40] = bytes(40)
    path.write_bytes(broken)
    assert f"{part.path_in_schema.split('.')[0]} is corrupt in row 0 or one of the next 256, which lie from offset {start} on" in refused(
        "parquet", path
    )
    path.write_bytes(content[:-8] + (2**30).to_bytes(4, "little") + b"PAR1")
    assert f"its footer on, whose length stands 8 bytes before its end, at offset {len(content) - 8}" in refused("parquet", path)


def test_a_folder_without_such_files_is_refused(tmp_path):
    assert "must be a Parquet file or a folder that holds some" in refused("parquet", tmp_path)
