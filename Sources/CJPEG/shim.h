#ifndef SOMA_CJPEG_SHIM_H
#define SOMA_CJPEG_SHIM_H

#include <stdio.h>
#include <jpeglib.h>
#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

// libjpeg leaves a faulty file by longjmp, which must not cross Swift's frames. So the calls that can fail stand here,
// between one setjmp and its return; Swift sees a status and a message.

typedef struct {
  int width;
  int height;
  // 1 for grey, 3 for colour; 0 for colour spaces that are not handled (CMYK).
  int channels;
  // Where a fault was met, as far as the library had read.
  unsigned long offset;
  char message[JMSG_LENGTH_MAX];
} soma_jpeg_result;

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf escape;
  char *message;
} soma_jpeg_errors;

static inline void soma_jpeg_exit(j_common_ptr info) {
  soma_jpeg_errors *errors = (soma_jpeg_errors *)info->err;
  errors->base.format_message(info, errors->message);
  longjmp(errors->escape, 1);
}

// Warnings are repaired damage (a premature end, bad Huffman codes), refused here; these few are harmless.
static inline void soma_jpeg_emit(j_common_ptr info, int level) {
  int code = info->err->msg_code;
  if (level >= 0 || code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR) return;
  soma_jpeg_exit(info);
}

typedef struct {
  struct jpeg_decompress_struct info;
  soma_jpeg_errors errors;
} soma_jpeg_state;

// The state belongs to the caller: a variable of the function that calls setjmp would be undefined after the jump.
__attribute__((noinline)) static int soma_jpeg_run(
    soma_jpeg_state *state, const unsigned char *bytes, unsigned long count, unsigned char *pixels, unsigned long size,
    soma_jpeg_result *result) {
  struct jpeg_decompress_struct *info = &state->info;
  if (setjmp(state->errors.escape)) return 0;
  jpeg_create_decompress(info);
  info->mem->max_memory_to_use = 1L << 30;
  jpeg_mem_src(info, bytes, count);
  jpeg_read_header(info, TRUE);
  result->width = (int)info->image_width;
  result->height = (int)info->image_height;
  if (info->jpeg_color_space == JCS_GRAYSCALE) {
    result->channels = 1;
    info->out_color_space = JCS_GRAYSCALE;
  } else if (info->jpeg_color_space == JCS_YCbCr || info->jpeg_color_space == JCS_RGB) {
    result->channels = 3;
    info->out_color_space = JCS_RGB;
  }
  if (!pixels || !result->channels) return 1;
  unsigned long row = (unsigned long)info->image_width * (unsigned long)result->channels;
  if (row == 0 || size % row != 0 || size / row != info->image_height) {
    strcpy(result->message, "the picture's size changed between two readings");
    return 0;
  }
  jpeg_start_decompress(info);
  while (info->output_scanline < info->output_height) {
    JSAMPROW line = pixels + row * info->output_scanline;
    jpeg_read_scanlines(info, &line, 1);
  }
  jpeg_finish_decompress(info);
  return 1;
}

// Reads the header and, if pixels is not null, the picture: rows of width * channels bytes, `size` bytes in all.
// Returns 1, or 0 with a message and an offset.
static inline int soma_jpeg_decode(
    const unsigned char *bytes, unsigned long count, unsigned char *pixels, unsigned long size,
    soma_jpeg_result *result) {
  soma_jpeg_state state;
  memset(&state, 0, sizeof(state));
  memset(result, 0, sizeof(*result));
  state.info.err = jpeg_std_error(&state.errors.base);
  state.errors.base.error_exit = soma_jpeg_exit;
  state.errors.base.emit_message = soma_jpeg_emit;
  state.errors.message = result->message;
  int done = soma_jpeg_run(&state, bytes, count, pixels, size, result);
  if (!done) {
    struct jpeg_source_mgr *source = state.info.src;
    int ended = state.errors.base.msg_code == JWRN_JPEG_EOF;
    result->offset = ended ? count : source && source->bytes_in_buffer <= count ? count - source->bytes_in_buffer : 0;
  }
  jpeg_destroy_decompress(&state.info);
  return done;
}

// The encoder's state, for the same reason the caller's.
typedef struct {
  struct jpeg_compress_struct info;
  soma_jpeg_errors errors;
  unsigned char *bytes;
  unsigned long count;
} soma_jpeg_output;

__attribute__((noinline)) static int soma_jpeg_write(
    soma_jpeg_output *output, const unsigned char *pixels, int width, int height, int channels, int quality) {
  struct jpeg_compress_struct *info = &output->info;
  if (setjmp(output->errors.escape)) return 0;
  jpeg_create_compress(info);
  jpeg_mem_dest(info, &output->bytes, &output->count);
  info->image_width = (JDIMENSION)width;
  info->image_height = (JDIMENSION)height;
  info->input_components = channels;
  info->in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  info->optimize_coding = TRUE;
  jpeg_start_compress(info, TRUE);
  unsigned long row = (unsigned long)width * (unsigned long)channels;
  while (info->next_scanline < info->image_height) {
    JSAMPROW line = (JSAMPROW)(pixels + row * info->next_scanline);
    jpeg_write_scanlines(info, &line, 1);
  }
  jpeg_finish_compress(info);
  return 1;
}

// Encodes rows of width * channels bytes. The bytes are the caller's to free; null with a message if it fails.
static inline unsigned char *soma_jpeg_encode(
    const unsigned char *pixels, int width, int height, int channels, int quality, unsigned long *count,
    soma_jpeg_result *result) {
  soma_jpeg_output output;
  memset(&output, 0, sizeof(output));
  memset(result, 0, sizeof(*result));
  output.info.err = jpeg_std_error(&output.errors.base);
  output.errors.base.error_exit = soma_jpeg_exit;
  output.errors.message = result->message;
  int done = soma_jpeg_write(&output, pixels, width, height, channels, quality);
  jpeg_destroy_compress(&output.info);
  *count = output.count;
  if (done) return output.bytes;
  free(output.bytes);
  return NULL;
}

#endif
