"""What the compiler gets of a .proto file: everything but options of its own."""

import pytest

from tools import protos

WHOLE = """syntax = "proto3";
import "google/protobuf/descriptor.proto";
import "google/protobuf/wrappers.proto";
extend google.protobuf.FieldOptions {
  // Secret.
  bool csi_secret = 1059;
}
message M {
  option (alpha_message) = true;
  map<string, string> secrets = 1 [(csi_secret) = true];
  string both = 2 [(alpha_field) = true, (csi_secret) = true];
  string old = 3 [deprecated = true];
  string wrapped = 4
      [(alpha_field) = true];
}
"""
PRUNED = """syntax = "proto3";
import "google/protobuf/wrappers.proto";
message M {
  map<string, string> secrets = 1;
  string both = 2;
  string old = 3 [deprecated = true];
  string wrapped = 4;
}
"""


def test_options_of_its_own_are_taken_out_of_a_file_and_nothing_else() -> None:
    assert protos.pruned(WHOLE) == PRUNED


def test_an_option_that_cannot_be_taken_out_is_named() -> None:
    with pytest.raises(ValueError, match=r"an option that cannot be taken out: string s = 1 \[\(limit\) = 5\];"):
        protos.pruned("message M {\n  string s = 1 [(limit) = 5];\n}\n")
