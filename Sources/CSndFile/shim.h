#pragma once
#include <sndfile.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Sound files in memory: libsndfile asks for bytes through callbacks, which C writes more plainly than Swift. */

struct soma_sound_memory {
  uint8_t *bytes;
  int64_t count, capacity, place;
};

static inline sf_count_t soma_sound_length(void *data) { return ((struct soma_sound_memory *)data)->count; }

static inline sf_count_t soma_sound_seek(sf_count_t offset, int whence, void *data) {
  struct soma_sound_memory *memory = data;
  int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? memory->place : memory->count;
  /* libsndfile may stand behind the end while it reads a damaged header; reads give nothing there. */
  if (offset > INT64_MAX - base || base + offset < 0) return -1;
  memory->place = base + offset;
  return memory->place;
}

static inline sf_count_t soma_sound_read(void *into, sf_count_t count, void *data) {
  struct soma_sound_memory *memory = data;
  int64_t left = memory->count - memory->place;
  if (left <= 0 || count <= 0) return 0;
  if (count > left) count = left;
  memcpy(into, memory->bytes + memory->place, (size_t)count);
  memory->place += count;
  return count;
}

static inline sf_count_t soma_sound_write(const void *from, sf_count_t count, void *data) {
  struct soma_sound_memory *memory = data;
  int64_t end = memory->place + count;
  if (end > memory->capacity) {
    int64_t capacity = end * 2 + 4096;
    uint8_t *grown = realloc(memory->bytes, (size_t)capacity);
    if (!grown) return 0;
    memory->bytes = grown;
    memory->capacity = capacity;
  }
  if (memory->place > memory->count) memset(memory->bytes + memory->count, 0, (size_t)(memory->place - memory->count));
  memcpy(memory->bytes + memory->place, from, (size_t)count);
  memory->place = end;
  if (end > memory->count) memory->count = end;
  return count;
}

static inline sf_count_t soma_sound_tell(void *data) { return ((struct soma_sound_memory *)data)->place; }

static inline SF_VIRTUAL_IO soma_sound_callbacks(void) {
  SF_VIRTUAL_IO io = {soma_sound_length, soma_sound_seek, soma_sound_read, soma_sound_write, soma_sound_tell};
  return io;
}

struct soma_sound_result {
  int64_t frames;
  int32_t channels, rate, format;
  char message[160];
};

/* Says what a file holds (samples null), or reads its frames too. Returns 0, or 1 with a message. */
static inline int soma_sound_decode(
    const uint8_t *bytes, int64_t count, float *samples, int64_t frames, struct soma_sound_result *result) {
  struct soma_sound_memory memory = {(uint8_t *)bytes, count, count, 0};
  SF_VIRTUAL_IO io = soma_sound_callbacks();
  SF_INFO info;
  memset(&info, 0, sizeof info);
  memset(result, 0, sizeof *result);
  SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, &memory);
  if (!file) {
    strncpy(result->message, sf_strerror(NULL), sizeof result->message - 1);
    return 1;
  }
  result->frames = info.frames;
  result->channels = info.channels;
  result->rate = info.samplerate;
  result->format = info.format;
  int failed = 0;
  if (samples) {
    int64_t done = sf_readf_float(file, samples, frames);
    if (sf_error(file) != SF_ERR_NO_ERROR) {
      strncpy(result->message, sf_strerror(file), sizeof result->message - 1);
      failed = 1;
    } else {
      result->frames = done;
    }
  }
  sf_close(file);
  return failed;
}

/* Counts the frames that can be read, in little memory, into `result->frames`: headers may claim any number. Returns 0, or 1 with a
 * message. */
static inline int soma_sound_count(const uint8_t *bytes, int64_t count, struct soma_sound_result *result) {
  struct soma_sound_memory memory = {(uint8_t *)bytes, count, count, 0};
  SF_VIRTUAL_IO io = soma_sound_callbacks();
  SF_INFO info;
  float samples[8192];
  memset(&info, 0, sizeof info);
  memset(result, 0, sizeof *result);
  SNDFILE *file = sf_open_virtual(&io, SFM_READ, &info, &memory);
  int failed = !file || info.channels < 1 || info.channels > 64;
  if (!failed) {
    int64_t done;
    while ((done = sf_readf_float(file, samples, 8192 / info.channels)) > 0) result->frames += done;
    failed = sf_error(file) != SF_ERR_NO_ERROR;
  }
  if (failed) strncpy(result->message, sf_strerror(file), sizeof result->message - 1);
  if (file) sf_close(file);
  return failed;
}

/* Encodes frames; the bytes are the caller's to free. Returns null with a message if the format cannot be written. */
static inline uint8_t *soma_sound_encode(
    const float *samples, int64_t frames, int32_t channels, int32_t rate, int32_t format, int64_t *count,
    struct soma_sound_result *result) {
  struct soma_sound_memory memory = {NULL, 0, 0, 0};
  SF_VIRTUAL_IO io = soma_sound_callbacks();
  SF_INFO info;
  memset(&info, 0, sizeof info);
  memset(result, 0, sizeof *result);
  info.channels = channels;
  info.samplerate = rate;
  info.format = format;
  SNDFILE *file = sf_open_virtual(&io, SFM_WRITE, &info, &memory);
  if (!file) {
    strncpy(result->message, sf_strerror(NULL), sizeof result->message - 1);
    free(memory.bytes);
    return NULL;
  }
  sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
  int64_t done = sf_writef_float(file, samples, frames);
  if (done != frames) strncpy(result->message, sf_strerror(file), sizeof result->message - 1);
  sf_close(file);
  if (done != frames) {
    free(memory.bytes);
    return NULL;
  }
  *count = memory.count;
  return memory.bytes;
}
