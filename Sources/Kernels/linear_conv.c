// Float32 convolutions by oneDNN, each with the layouts that the library prefers and everything allocated beforehand.
#include <dnnl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "linear_internal.h"

/// An operand: the caller's row-major array, and the library's layout if that differs.
typedef struct {
  dnnl_memory_t plain;
  dnnl_memory_t inner;
  dnnl_primitive_t reorder;
  void *bytes;
  void *scratch_bytes;
  dnnl_memory_t scratch;
} operand;

struct soma_conv {
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  dnnl_memory_t scratch;
  void *scratch_bytes;
  operand first, second, result;
  int first_name, second_name, result_name;
  size_t memory;
};

static dnnl_engine_t engine;

static void create_engine(void) {
  if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success) engine = NULL;
}

static dnnl_engine_t shared_engine(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, create_engine);
  return engine;
}

// An array of a whole number of cache lines, counted in `total`.
static void *allocate(size_t size, size_t *total) {
  size = (size + 63) & ~(size_t)63;
  *total += size;
  return aligned_alloc(64, size ? size : 64);
}

// Scratch memory of a primitive whose attributes leave it to the user. NULL memory if it needs none.
static int create_scratch(const_dnnl_primitive_desc_t description, dnnl_memory_t *memory, void **bytes,
                          size_t *total) {
  const dnnl_memory_desc_t *scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  if (!scratch || dnnl_memory_desc_get_size(scratch) == 0) return 1;
  *bytes = allocate(dnnl_memory_desc_get_size(scratch), total);
  return *bytes && dnnl_memory_create(memory, scratch, engine, *bytes) == dnnl_success;
}

static int create_operand(operand *it, const dnnl_memory_desc_t *plain, const dnnl_memory_desc_t *wanted, int is_result,
                          dnnl_primitive_attr_t attributes, size_t *total) {
  if (dnnl_memory_create(&it->plain, plain, engine, DNNL_MEMORY_NONE) != dnnl_success) return 0;
  if (dnnl_memory_desc_equal(plain, wanted)) return 1;
  size_t size = dnnl_memory_desc_get_size(wanted);
  it->bytes = allocate(size, total);
  if (!it->bytes) return 0;
  memset(it->bytes, 0, size);
  if (dnnl_memory_create(&it->inner, wanted, engine, it->bytes) != dnnl_success) return 0;
  dnnl_primitive_desc_t description;
  if (dnnl_reorder_primitive_desc_create(&description, is_result ? wanted : plain, engine, is_result ? plain : wanted,
                                         engine, attributes) != dnnl_success)
    return 0;
  int good = dnnl_primitive_create(&it->reorder, description) == dnnl_success &&
             create_scratch(description, &it->scratch, &it->scratch_bytes, total);
  dnnl_primitive_desc_destroy(description);
  return good;
}

static void destroy_operand(operand *it) {
  if (it->reorder) dnnl_primitive_destroy(it->reorder);
  if (it->inner) dnnl_memory_destroy(it->inner);
  if (it->plain) dnnl_memory_destroy(it->plain);
  if (it->scratch) dnnl_memory_destroy(it->scratch);
  free(it->bytes);
  free(it->scratch_bytes);
}

// What `soma_conv_shape` promises, and what this library can do. Extents that need more than 31 bits are left to the
// reference, which counts in 64.
static int is_supported(const soma_conv_shape *shape) {
  if (shape->rank < 1 || shape->rank > 3 || shape->groups < 1) return 0;
  if (shape->n < 1 || shape->c < 1 || shape->o < 1 || shape->c % shape->groups || shape->o % shape->groups) return 0;
  int64_t limit = INT32_MAX;
  if (shape->n > limit || shape->c > limit || shape->o > limit) return 0;
  for (int i = 0; i < shape->rank; i++) {
    if (shape->in[i] < 1 || shape->taps[i] < 1 || shape->out[i] < 1 || shape->stride[i] < 1 || shape->dilation[i] < 1)
      return 0;
    if (shape->in[i] > limit || shape->taps[i] > limit || shape->out[i] > limit || shape->stride[i] > limit ||
        shape->dilation[i] > limit)
      return 0;
    if (shape->low[i] < 0 || shape->high[i] < 0 || shape->low[i] > limit || shape->high[i] > limit) return 0;
    int64_t reach = (shape->taps[i] - 1) * shape->dilation[i] + 1;
    int64_t room = shape->in[i] + shape->low[i] + shape->high[i] - reach;
    if (room < 0 || room / shape->stride[i] + 1 != shape->out[i]) return 0;
  }
  return 1;
}

typedef struct {
  dnnl_memory_desc_t input, kernel, output;
} layouts;

/// The caller's layouts and those that the library may choose. With `force`, operands with channels last are computed
/// as they are; else the library may choose for them too.
static int describe(const soma_conv_shape *shape, int input_last, int output_last, int force, layouts *plain,
                    layouts *any) {
  int rank = shape->rank;
  dnnl_dims_t input = {shape->n, shape->c}, output = {shape->n, shape->o}, kernel;
  int k = 0;
  if (shape->groups > 1) kernel[k++] = shape->groups;
  kernel[k++] = shape->o / shape->groups;
  kernel[k++] = shape->c / shape->groups;
  for (int i = 0; i < rank; i++) {
    input[2 + i] = shape->in[i];
    output[2 + i] = shape->out[i];
    kernel[k++] = shape->taps[i];
  }
  const dnnl_format_tag_t row_major[] = {dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef};
  const dnnl_format_tag_t channels_last[] = {dnnl_acb, dnnl_acdb, dnnl_acdeb};
  dnnl_format_tag_t input_tag = (input_last ? channels_last : row_major)[rank - 1];
  dnnl_format_tag_t output_tag = (output_last ? channels_last : row_major)[rank - 1];
  dnnl_format_tag_t free_input = input_last && force ? input_tag : dnnl_format_tag_any;
  dnnl_format_tag_t free_output = output_last && force ? output_tag : dnnl_format_tag_any;
  return dnnl_memory_desc_init_by_tag(&plain->input, rank + 2, input, dnnl_f32, input_tag) == dnnl_success &&
         dnnl_memory_desc_init_by_tag(&plain->output, rank + 2, output, dnnl_f32, output_tag) == dnnl_success &&
         dnnl_memory_desc_init_by_tag(&plain->kernel, k, kernel, dnnl_f32, row_major[k - 3]) == dnnl_success &&
         dnnl_memory_desc_init_by_tag(&any->input, rank + 2, input, dnnl_f32, free_input) == dnnl_success &&
         dnnl_memory_desc_init_by_tag(&any->output, rank + 2, output, dnnl_f32, free_output) == dnnl_success &&
         dnnl_memory_desc_init_by_tag(&any->kernel, k, kernel, dnnl_f32, dnnl_format_tag_any) == dnnl_success;
}

// The library's own reference loops are far slower than `soma_convolve_reference`.
static int is_fast(const_dnnl_primitive_desc_t description) {
  const char *name = NULL;
  if (dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name) != dnnl_success || !name) return 0;
  return strncmp(name, "ref", 3) != 0;
}

static dnnl_primitive_desc_t choose(soma_conv_role role, const soma_conv_shape *shape, layouts *any,
                                    dnnl_primitive_attr_t attributes) {
  dnnl_dims_t stride, dilation, low, high;
  for (int i = 0; i < shape->rank; i++) {
    stride[i] = shape->stride[i];
    dilation[i] = shape->dilation[i] - 1;
    low[i] = shape->low[i];
    high[i] = shape->high[i];
  }
  dnnl_convolution_desc_t forward;
  dnnl_prop_kind_t kind = role == SOMA_CONV_OUTPUT ? dnnl_forward_inference : dnnl_forward_training;
  if (dnnl_dilated_convolution_forward_desc_init(&forward, kind, dnnl_convolution_direct, &any->input, &any->kernel,
                                                 NULL, &any->output, stride, dilation, low, high) != dnnl_success)
    return NULL;
  dnnl_primitive_desc_t hint = NULL, chosen = NULL;
  if (dnnl_primitive_desc_create(&hint, &forward, attributes, engine, NULL) != dnnl_success) return NULL;
  if (role == SOMA_CONV_OUTPUT) return hint;
  dnnl_convolution_desc_t backward;
  dnnl_status_t status =
      role == SOMA_CONV_INPUT
          ? dnnl_dilated_convolution_backward_data_desc_init(&backward, dnnl_convolution_direct, &any->input,
                                                             &any->kernel, &any->output, stride, dilation, low, high)
          : dnnl_dilated_convolution_backward_weights_desc_init(&backward, dnnl_convolution_direct, &any->input,
                                                                &any->kernel, NULL, &any->output, stride, dilation,
                                                                low, high);
  if (status == dnnl_success) status = dnnl_primitive_desc_create(&chosen, &backward, attributes, engine, hint);
  dnnl_primitive_desc_destroy(hint);
  return status == dnnl_success ? chosen : NULL;
}

soma_conv *soma_conv_create(soma_conv_role role, const soma_conv_shape *shape) {
  return soma_conv_create_channels_last(role, shape, 0);
}

soma_conv *soma_conv_create_channels_last(soma_conv_role role, const soma_conv_shape *shape, int operands) {
  if (!is_supported(shape) || !shared_engine()) return NULL;
  // The input gradient is padded to 16 channels; with few real ones the reference wins (batch 64, 3×32×32, 16 outputs,
  // 3×3 taps: 0.8 against 1.4 ms; 1×28×28, 6 outputs, 5×5: 0.5 against 2.4 ms). Depthwise kernels are not padded so.
  if (operands == 0 && role == SOMA_CONV_INPUT && shape->groups == 1 && shape->c < 8 && shape->o < 64) return NULL;
  // A primitive is built for the number of threads that its creator has.
  soma_single_threaded_libraries();
  int first_last = operands & 1, second_last = operands >> 1 & 1, result_last = operands >> 2 & 1;
  int input_last = role == SOMA_CONV_INPUT ? result_last : first_last;
  int output_last = role == SOMA_CONV_OUTPUT ? result_last : role == SOMA_CONV_INPUT ? first_last : second_last;
  soma_conv *conv = calloc(1, sizeof *conv);
  if (!conv) return NULL;
  conv->memory = sizeof *conv;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t chosen = NULL;
  int good = dnnl_primitive_attr_create(&attributes) == dnnl_success &&
             dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user) == dnnl_success;
  layouts plain, any;
  for (int force = operands != 0; good && force >= 0; force--) {
    good = describe(shape, input_last, output_last, force, &plain, &any);
    if (good) chosen = choose(role, shape, &any, attributes);
    if (chosen && is_fast(chosen)) break;
    if (chosen) dnnl_primitive_desc_destroy(chosen);
    chosen = NULL;
  }
  good = chosen != NULL;
  if (good) {
    const dnnl_memory_desc_t *first, *second, *result;
    const dnnl_memory_desc_t *plain_first, *plain_second, *plain_result;
    switch (role) {
      case SOMA_CONV_OUTPUT:
        first = dnnl_primitive_desc_query_md(chosen, dnnl_query_src_md, 0), plain_first = &plain.input;
        second = dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 0), plain_second = &plain.kernel;
        result = dnnl_primitive_desc_query_md(chosen, dnnl_query_dst_md, 0), plain_result = &plain.output;
        conv->first_name = DNNL_ARG_SRC, conv->second_name = DNNL_ARG_WEIGHTS, conv->result_name = DNNL_ARG_DST;
        break;
      case SOMA_CONV_INPUT:
        first = dnnl_primitive_desc_query_md(chosen, dnnl_query_diff_dst_md, 0), plain_first = &plain.output;
        second = dnnl_primitive_desc_query_md(chosen, dnnl_query_weights_md, 0), plain_second = &plain.kernel;
        result = dnnl_primitive_desc_query_md(chosen, dnnl_query_diff_src_md, 0), plain_result = &plain.input;
        conv->first_name = DNNL_ARG_DIFF_DST, conv->second_name = DNNL_ARG_WEIGHTS;
        conv->result_name = DNNL_ARG_DIFF_SRC;
        break;
      default:
        first = dnnl_primitive_desc_query_md(chosen, dnnl_query_src_md, 0), plain_first = &plain.input;
        second = dnnl_primitive_desc_query_md(chosen, dnnl_query_diff_dst_md, 0), plain_second = &plain.output;
        result = dnnl_primitive_desc_query_md(chosen, dnnl_query_diff_weights_md, 0), plain_result = &plain.kernel;
        conv->first_name = DNNL_ARG_SRC, conv->second_name = DNNL_ARG_DIFF_DST;
        conv->result_name = DNNL_ARG_DIFF_WEIGHTS;
        break;
    }
    good = dnnl_primitive_create(&conv->primitive, chosen) == dnnl_success &&
           dnnl_stream_create(&conv->stream, engine, dnnl_stream_default_flags) == dnnl_success &&
           create_scratch(chosen, &conv->scratch, &conv->scratch_bytes, &conv->memory) &&
           create_operand(&conv->first, plain_first, first, 0, attributes, &conv->memory) &&
           create_operand(&conv->second, plain_second, second, 0, attributes, &conv->memory) &&
           create_operand(&conv->result, plain_result, result, 1, attributes, &conv->memory);
  }
  if (chosen) dnnl_primitive_desc_destroy(chosen);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  if (good) return conv;
  soma_conv_destroy(conv);
  return NULL;
}

void soma_conv_destroy(soma_conv *conv) {
  if (!conv) return;
  destroy_operand(&conv->first);
  destroy_operand(&conv->second);
  destroy_operand(&conv->result);
  if (conv->scratch) dnnl_memory_destroy(conv->scratch);
  if (conv->primitive) dnnl_primitive_destroy(conv->primitive);
  if (conv->stream) dnnl_stream_destroy(conv->stream);
  free(conv->scratch_bytes);
  free(conv);
}

static int reorder(const soma_conv *conv, const operand *it, int is_result) {
  if (!it->reorder) return 0;
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, is_result ? it->inner : it->plain},
                                 {DNNL_ARG_TO, is_result ? it->plain : it->inner},
                                 {DNNL_ARG_SCRATCHPAD, it->scratch}};
  return -(int)dnnl_primitive_execute(it->reorder, conv->stream, it->scratch ? 3 : 2, arguments);
}

int soma_conv_execute(soma_conv *conv, const void *first, const void *second, void *result) {
  soma_single_threaded_libraries();
  if (dnnl_memory_set_data_handle(conv->first.plain, (void *)first) != dnnl_success ||
      dnnl_memory_set_data_handle(conv->second.plain, (void *)second) != dnnl_success ||
      dnnl_memory_set_data_handle(conv->result.plain, result) != dnnl_success)
    return -1;
  int status = reorder(conv, &conv->first, 0);
  if (status == 0) status = reorder(conv, &conv->second, 0);
  if (status) return status;
  dnnl_exec_arg_t arguments[] = {
      {conv->first_name, conv->first.inner ? conv->first.inner : conv->first.plain},
      {conv->second_name, conv->second.inner ? conv->second.inner : conv->second.plain},
      {conv->result_name, conv->result.inner ? conv->result.inner : conv->result.plain},
      {DNNL_ARG_SCRATCHPAD, conv->scratch}};
  status = -(int)dnnl_primitive_execute(conv->primitive, conv->stream, conv->scratch ? 4 : 3, arguments);
  return status ? status : reorder(conv, &conv->result, 1);
}

size_t soma_conv_memory(const soma_conv *conv) { return conv->memory; }
