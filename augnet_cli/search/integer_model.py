"""One product of integers as an ONNX model, spelled out byte by byte.

NumPy multiplies integers without the processor's instructions for it; ONNX Runtime, which is installed
anyway, has them behind an operator.  A model of one operator is 150 bytes of Protocol Buffers, and
the package `onnx` that would write them belongs to the extra `train`; so they are written here.
Field numbers: onnx/onnx.proto of ONNX, wire format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

# Names of the model's inputs and output.
LEFT, RIGHT, PRODUCT = "left", "right", "product"
# A left number x is written as x + 128.
LEFT_ZERO = 128

IR_VERSION = 7  # 2020; MatMulInteger is from 2019 (opset 10), and every ONNX Runtime we allow reads both
OPSET = 13
UINT8, INT8, INT32 = 2, 3, 6  # TensorProto.DataType
BYTES = 2  # wire type of strings and messages; that of numbers is 0


def integer_product_model() -> bytes:
    """The model: left (rows, d) uint8, right (d, columns) int8 to product (rows, columns) int32, which is
    (left - 128) @ right."""
    zero = _field(2, UINT8) + _field(8, "zero") + _field(9, bytes([LEFT_ZERO]))  # data_type, name, raw_data
    node = b"".join(_field(1, name) for name in (LEFT, RIGHT, "zero"))  # input
    node += _field(2, PRODUCT) + _field(4, "MatMulInteger")  # output, op_type
    graph = _field(1, node) + _field(2, "integer_product") + _field(5, zero)  # node, name, initializer
    graph += _field(11, _value(LEFT, UINT8)) + _field(11, _value(RIGHT, INT8))  # input
    graph += _field(12, _value(PRODUCT, INT32))  # output
    operators = _field(1, "") + _field(2, OPSET)  # domain: ONNX's own; version
    return _field(1, IR_VERSION) + _field(7, graph) + _field(8, operators)  # .., graph, opset_import


def _value(name: str, kind: int) -> bytes:
    """A ValueInfoProto: a matrix of numbers of one kind, of any size."""
    any_size = _field(1, b"") * 2  # dim, dim
    matrix = _field(1, kind) + _field(2, any_size)  # elem_type, shape
    return _field(1, name) + _field(2, _field(1, matrix))  # name, type: tensor_type


def _field(number: int, value: int | str | bytes) -> bytes:
    """A field of a message: its number with the wire type, and the value."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """A number, seven bits a byte, the lowest first; the high bit says that more follow."""
    low, rest = value & 0x7F, value >> 7
    return bytes([low]) if not rest else bytes([low | 0x80]) + _varint(rest)
