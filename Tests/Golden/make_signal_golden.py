#!/usr/bin/env python3
"""Writes the recordings that the tests of EDF read, with pyEDFlib (EDFlib by Teunis van Beelen) as the independent writer.

    pip install pyedflib numpy
    python3 Tests/Golden/make_signal_golden.py

Signals hold formulas of the sample's number, so that the tests know every value: signal 0 is 100 sin(i / 7) uV at 50 samples a
second, signal 1 is (i mod 40) - 20 mV at 10 samples a second; 6 seconds, in records of one second.
"""
import pathlib

import numpy as np
import pyedflib

out = pathlib.Path(__file__).resolve().parent / "data"


def write(name, kind, digital):
    writer = pyedflib.EdfWriter(str(out / name), 2, file_type=kind)
    writer.setPatientCode("code7")
    writer.setStartdatetime(__import__("datetime").datetime(2021, 3, 4, 5, 6, 7))
    low, high = digital
    headers = [
        dict(label="EEG Fpz-Cz", dimension="uV", sample_frequency=50, physical_min=-125.0, physical_max=125.0,
             digital_min=low, digital_max=high, transducer="AgAgCl", prefilter="HP:0.1Hz"),
        dict(label="Temp", dimension="mV", sample_frequency=10, physical_min=-30.0, physical_max=30.0,
             digital_min=low, digital_max=high, transducer="", prefilter=""),
    ]
    writer.setSignalHeaders(headers)
    first = 100 * np.sin(np.arange(300) / 7)
    second = (np.arange(60) % 40 - 20).astype(float)
    if kind in (pyedflib.FILETYPE_EDFPLUS, pyedflib.FILETYPE_BDFPLUS):
        writer.writeAnnotation(0.5, -1, "begin")
        writer.writeAnnotation(2.25, 1.5, "Schlaf Stufe 2 \u2013 \u00fc")
    writer.writeSamples([first, second])
    writer.close()


write("plain.edf", pyedflib.FILETYPE_EDF, (-2048, 2047))
write("annotated.edf", pyedflib.FILETYPE_EDFPLUS, (-32768, 32767))
write("wide.bdf", pyedflib.FILETYPE_BDFPLUS, (-8388608, 8388607))
