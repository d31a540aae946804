"""Writes the sounds that the tests of SomaData read, by programs other than libsndfile: Python's wave module, flac and oggenc
(Debian packages flac and vorbis-tools)."""

import math
import subprocess
import wave
from pathlib import Path

FOLDER = Path(__file__).parent / "data"


def samples(frames, channels):
    """16-bit samples: a sine of 441 Hz at 44.1 kHz on the left, a ramp on the right."""
    for i in range(frames):
        yield round(20000 * math.sin(2 * math.pi * i / 100))
        if channels == 2:
            yield i * 37 % 30000 - 15000


def write_wav(path, channels, width=2):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(44100)
        for value in samples(400, channels):
            if width == 1:
                file.writeframesraw(bytes([value // 256 + 128]))
            else:
                file.writeframesraw(value.to_bytes(2, "little", signed=True))


if __name__ == "__main__":
    write_wav(FOLDER / "sound-mono.wav", 1)
    write_wav(FOLDER / "sound-stereo.wav", 2)
    write_wav(FOLDER / "sound-eight-bit.wav", 1, width=1)
    subprocess.run(
        ["flac", "--silent", "--no-padding", "--force", "-o", FOLDER / "sound-stereo.flac", FOLDER / "sound-stereo.wav"], check=True)
    subprocess.run(
        ["oggenc", "--quiet", "--quality", "9", "--serial", "7", "-o", FOLDER / "sound-mono.ogg", FOLDER / "sound-mono.wav"],
        check=True)
