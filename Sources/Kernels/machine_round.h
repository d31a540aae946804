// One round of a loop: the steps with registers.
//
// Registers of the function: rdi the addresses, rsi the count, rcx the first element of the round, rdx where the main
// loop ends, rax the address of an array. Every value has one register for each of the `width` vectors of a round.
// k7 tells which elements of the last vectors exist.
#ifndef SOMA_MACHINE_ROUND_H
#define SOMA_MACHINE_ROUND_H

#include "machine_steps.h"

enum { tail_mask = 7, vector_registers = 32, mask_registers = 6 };

/// One round of a loop while it is written.
typedef struct {
  assembler *a;
  const step_list *list;
  int width, is_tail, streams, at;
  /// The value in each group of registers, or -1; vectors, then masks.
  int32_t owner[2][vector_registers];
  uint32_t pinned[2];
  /// The group of each value, or -1, and its place in the frame, or -1.
  int16_t group[most_values];
  int32_t spilled[most_values], next_use[most_values];
  /// The frame: spilled values in slots of `width` vectors.
  int32_t frame_start, slot_count;
  uint8_t slot_is_taken[most_values];
  int has_spilled;
  /// Where the code of rare calls is, and their part of the frame.
  size_t rare_call;
  int32_t rare_frame;
} round_state;

static inline int lanes(const round_state *r) { return r->list->is_double ? 8 : 16; }

static inline void set_int32(assembler *a, size_t position, int32_t value) {
  for (size_t i = 0; i < 4; i++)
    if (position + i < a->code.capacity) a->code.bytes[position + i] = (uint8_t)((uint32_t)value >> (8 * i));
}

static inline void put_address_of(assembler *a, int32_t array) {
  PUT(&a->code, 0x48, 0x8b, 0x87);  // mov rax, [rdi + 8 array]
  put_int32(&a->code, 8 * array);
}

/// Writes the round. Sets `has_spilled` if registers did not suffice.
void soma_machine_round(round_state *r);

#endif
