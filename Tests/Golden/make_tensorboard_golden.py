#!/usr/bin/env python3
"""Prints the records that the PyPI package `tensorboard` writes for some events, for EventFileTests.swift.

    python3 -m venv .venv-tensorboard && .venv-tensorboard/bin/pip install tensorboard==2.21.0
    .venv-tensorboard/bin/python Tests/Golden/make_tensorboard_golden.py
"""
import io

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event):
    out = io.BytesIO()
    out.close = lambda: None
    RecordWriter(out).write(event.SerializeToString())
    return out.getvalue().hex()


Value = summary_pb2.Summary.Value
version = event_pb2.Event(wall_time=1700000000.25, step=0, file_version="brain.Event:2")
scalars = event_pb2.Event(wall_time=1700000001.5, step=7, summary=summary_pb2.Summary(value=[
    Value(tag="accuracy/validation", simple_value=0.96875), Value(tag="loss/training", simple_value=0.1)]))
histogram = event_pb2.Event(wall_time=1700000002.0, step=300, summary=summary_pb2.Summary(value=[
    Value(tag="weights", histo=summary_pb2.HistogramProto(
        min=-1, max=3, num=5, sum=4, sum_squares=14, bucket_limit=[1, 3], bucket=[3, 2]))]))
image = event_pb2.Event(wall_time=1700000003.0, step=1, summary=summary_pb2.Summary(value=[
    Value(tag="picture", image=summary_pb2.Summary.Image(
        height=2, width=3, colorspace=1, encoded_image_string=b"\x89PNG"))]))

for name, event in [("version", version), ("scalars", scalars), ("histogram", histogram), ("image", image)]:
    print(f'    "{name}": "{record(event)}",')
for data in [b"", b"a", b"123456789", bytes(range(256))]:
    print(data[:9], hex(masked_crc32c(data)))
