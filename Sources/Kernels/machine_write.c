// Writes the function around the rounds: its frame, its loops, and the calls that are rarely made.
#include "machine_round.h"

#include <stdlib.h>

/// Bytes of the frame that a rare call uses: the vector it is about, and all registers.
enum { rare_bytes = 64 * (1 + vector_registers + 1) };

static void call_function(float *lanes, size_t code) {
  soma_unary_map((soma_unary)code, SOMA_F32)(lanes, lanes, NULL, NULL, 16);
}

/// Calls `call_function`, the code of the function in esi, and changes no register but rax. The frame begins above rsi and
/// the address that this returns to.
static void put_rare_call(assembler *a, int32_t frame) {
  const int32_t vectors = frame + 64 + 16, others = vectors + 64 * vector_registers;
  for (int v = 0; v < vector_registers; v++)
    put_evex(a, (evex){STORE, 0, length_512, v, 0, 0, 0, 0, 0, 0, {IN_FRAME, vectors + 64 * v}});
  for (int k = 1; k < 8; k++) put_mask_operation(a, MASK_STORE, k, -1, (place){IN_FRAME, others + 2 * k});
  static const uint8_t registers[] = {0x8c, 0x94, 0xbc, 0xb4};  // rcx, rdx, rdi; rsi is in place already
  for (int i = 0; i < 3; i++) {
    PUT(&a->code, 0x48, 0x89, registers[i], 0x24);  // mov [rsp + …], …
    put_int32(&a->code, others + 16 + 8 * i);
  }
  PUT(&a->code, 0x48, 0x8d, 0xbc, 0x24);  // lea rdi, [rsp + …]
  put_int32(&a->code, frame + 16);
  PUT(&a->code, 0x48, 0xb8);  // mov rax, the function
  void (*function)(float *, size_t) = call_function;
  put_bytes(&a->code, (const uint8_t *)&function, 8);
  PUT(&a->code, 0xff, 0xd0);  // call rax
  for (int v = 0; v < vector_registers; v++)
    put_evex(a, (evex){LOAD, 0, length_512, v, 0, 0, 0, 0, 0, 0, {IN_FRAME, vectors + 64 * v}});
  for (int k = 1; k < 8; k++) put_mask_operation(a, MASK_LOAD, k, -1, (place){IN_FRAME, others + 2 * k});
  for (int i = 0; i < 3; i++) {
    PUT(&a->code, 0x48, 0x8b, registers[i], 0x24);
    put_int32(&a->code, others + 16 + 8 * i);
  }
  put(&a->code, 0xc3);
}

/// Bytes of the scalar operands in the frame.
static int32_t scalar_bytes(const step_list *list) {
  int32_t bytes = 0;
  for (int v = 0; v < list->operand_count; v++)
    if (list->values[v].home == HOME_SCALAR) bytes = list->values[v].number + 8;
  return (bytes + 63) & ~63;
}

/// A conditional jump backwards.
static void put_jump(assembler *a, uint8_t condition, size_t target) {
  PUT(&a->code, 0x0f, condition);
  put_int32(&a->code, (int32_t)((int64_t)target - (int64_t)a->code.count - 4));
}

/// Makes room on the stack and puts the scalar operands there; returns where the size has to be filled in.
static size_t put_frame(assembler *a, const step_list *list) {
  PUT(&a->code, 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xe4, 0xc0);  // push rbp; mov rbp, rsp; and rsp, -64
  PUT(&a->code, 0x48, 0x81, 0xec);                                // sub rsp, …
  const size_t size_at = a->code.count;
  put_int32(&a->code, 0);
  for (int v = 0; v < list->operand_count; v++) {
    if (list->values[v].home != HOME_SCALAR) continue;
    put_address_of(a, v);
    if (list->values[v].is_mask)
      PUT(&a->code, 0x0f, 0xb6, 0x00, 0xf7, 0xd8);  // movzx eax, byte [rax]; neg eax
    else if (list->is_double)
      PUT(&a->code, 0x48, 0x8b, 0x00);  // mov rax, [rax]
    else
      PUT(&a->code, 0x8b, 0x00);  // mov eax, [rax]
    PUT(&a->code, 0x48, 0x89, 0x84, 0x24);  // mov [rsp + …], rax
    put_int32(&a->code, list->values[v].number);
  }
  return size_at;
}

/// As many vectors a round as there are registers for without the frame, four at most: their latencies overlap.
static void put_widest_round(round_state *r) {
  const code_buffer before = r->a->code;
  const int fixups_before = r->a->fixup_count;
  for (r->width = 4;; r->width /= 2) {
    soma_machine_round(r);
    if ((!r->has_spilled && !r->a->failed) || r->width == 1) return;
    r->a->failed = 0;
    r->a->code = before;
    r->a->fixup_count = fixups_before;
  }
}

void soma_machine_write(assembler *a, const step_list *list, int streams) {
  round_state *r = malloc(sizeof *r);
  if (!r) {
    a->failed = 1;
    return;
  }
  r->a = a, r->list = list, r->streams = streams, r->is_tail = 0;
  r->frame_start = r->rare_frame = scalar_bytes(list);
  int has_rare = 0;
  for (int i = 0; i < list->step_count; i++) has_rare |= list->steps[i].kind == STEP_RARE;
  if (has_rare) {
    r->frame_start += rare_bytes;
    PUT(&a->code, 0xe9);  // jmp past the code of the calls
    put_int32(&a->code, 0);
    r->rare_call = a->code.count;
    put_rare_call(a, r->rare_frame);
    set_int32(a, r->rare_call - 4, (int32_t)(a->code.count - r->rare_call));
  }
  const size_t size_at = put_frame(a, list);
  PUT(&a->code, 0x31, 0xc9, 0x48, 0x89, 0xf2, 0x48, 0x81, 0xe2);  // xor ecx, ecx; mov rdx, rsi; and rdx, …
  const size_t whole_at = a->code.count;
  put_int32(&a->code, 0);
  PUT(&a->code, 0x0f, 0x84);  // jz tail
  put_int32(&a->code, 0);
  const size_t skips = a->code.count;
  while (a->code.count % 64) put(&a->code, 0x90);
  const size_t main_loop = a->code.count;
  put_widest_round(r);
  const int32_t elements = r->width * lanes(r);
  set_int32(a, whole_at, -elements);
  PUT(&a->code, 0x48, 0x81, 0xc1);  // add rcx, …
  put_int32(&a->code, elements);
  PUT(&a->code, 0x48, 0x39, 0xd1);  // cmp rcx, rdx
  put_jump(a, 0x82, main_loop);     // jb
  int32_t frame = r->frame_start + 64 * r->slot_count * r->width;

  set_int32(a, skips - 4, (int32_t)(a->code.count - skips));
  PUT(&a->code, 0x48, 0x39, 0xf1, 0x0f, 0x83);  // cmp rcx, rsi; jae the end
  put_int32(&a->code, 0);
  const size_t ends = a->code.count;
  // mov rdx, rsi; sub rdx, rcx; mov eax, -1; bzhi eax, eax, edx
  PUT(&a->code, 0x48, 0x89, 0xf2, 0x48, 0x29, 0xca, 0xb8, 0xff, 0xff, 0xff, 0xff, 0xc4, 0xe2, 0x68, 0xf5, 0xc0);
  if (list->is_double) PUT(&a->code, 0x25, 0xff, 0x00, 0x00, 0x00);  // and eax, 255
  PUT(&a->code, 0xc5, 0xf8, 0x92, 0xc0 | tail_mask << 3);            // kmovw k7, eax
  r->width = r->is_tail = 1;
  soma_machine_round(r);
  PUT(&a->code, 0x48, 0x83, 0xc1, (uint8_t)lanes(r), 0x48, 0x39, 0xf1);  // add rcx, lanes; cmp rcx, rsi
  put_jump(a, 0x82, ends);                                              // jb
  if (r->frame_start + 64 * r->slot_count > frame) frame = r->frame_start + 64 * r->slot_count;

  set_int32(a, ends - 4, (int32_t)(a->code.count - ends));
  // Such stores may become visible later than those after them.
  if (streams) PUT(&a->code, 0x0f, 0xae, 0xf8);                   // sfence
  PUT(&a->code, 0xc5, 0xf8, 0x77, 0x48, 0x89, 0xec, 0x5d, 0xc3);  // vzeroupper; mov rsp, rbp; pop rbp; ret
  // A larger frame could step over the page that guards the stack.
  if (frame > 4096) a->failed = 1;
  set_int32(a, size_at, frame);
  free(r);
}
