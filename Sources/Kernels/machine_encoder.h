// The encodings of the AVX-512 instructions that elementwise programs need (Intel 64 and IA-32 Architectures Software
// Developer's Manual, volume 2).
#ifndef SOMA_MACHINE_ENCODER_H
#define SOMA_MACHINE_ENCODER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// Code that is being written. Bytes beyond the capacity are counted but not written.
typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} code_buffer;

static inline void put(code_buffer *code, uint8_t byte) {
  if (code->count < code->capacity) code->bytes[code->count] = byte;
  code->count++;
}
static inline void put_bytes(code_buffer *code, const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) put(code, bytes[i]);
}
static inline void put_int32(code_buffer *code, int32_t value) {
  for (int i = 0; i < 4; i++) put(code, (uint8_t)((uint32_t)value >> (8 * i)));
}
#define PUT(code, ...)                                                                                            \
  do {                                                                                                            \
    const uint8_t bytes_[] = {__VA_ARGS__};                                                                       \
    put_bytes(code, bytes_, sizeof bytes_);                                                                       \
  } while (0)

/// The last operand of an instruction: a register; memory at [rax + rcx * scale]; memory at [rsp + displacement];
/// or memory among the constants, whose distance is known when they have their places.
typedef enum { IN_REGISTER, IN_ARRAY, IN_FRAME, IN_CONSTANTS } place_kind;
typedef struct {
  place_kind kind;
  /// The register, the scale, the displacement, or the constant's number.
  int32_t number;
} place;

/// Where the distance of a constant has to be filled in.
typedef struct {
  size_t position;
  int32_t constant, bytes_after;
} fixup;
enum { most_fixups = 8192 };
typedef struct {
  code_buffer code;
  fixup fixups[most_fixups];
  int fixup_count, failed;
} assembler;

/// How an instruction is encoded: opcode map (1: 0F, 2: 0F38, 3: 0F3A), mandatory prefix (0: none, 1: 66, 2: F3,
/// 3: F2), opcode, and whether a byte follows. Those of floating type have W = 1 for F64, and `typed` ones then the
/// prefix 66 that their F32 forms lack.
typedef struct {
  uint8_t map, prefix, opcode, is_typed, has_immediate;
} instruction;

enum { length_128 = 0, length_512 = 2 };

static inline void put_place(assembler *a, uint8_t reg, place at, int has_immediate) {
  const uint8_t field = (uint8_t)((reg & 7) << 3);
  switch (at.kind) {
  case IN_REGISTER: put(&a->code, (uint8_t)(0xc0 | field | (at.number & 7))); break;
  case IN_ARRAY: {
    const uint8_t scale = at.number == 8 ? 3 : at.number == 4 ? 2 : 0;
    // [rax + rcx * scale + 32 bits], the 32 bits after by the caller.
    PUT(&a->code, (uint8_t)(0x84 | field), (uint8_t)(scale << 6 | 1 << 3 | 0));
    break;
  }
  case IN_FRAME:
    PUT(&a->code, (uint8_t)(0x84 | field), 0x24);
    put_int32(&a->code, at.number);
    break;
  case IN_CONSTANTS:
    put(&a->code, (uint8_t)(0x05 | field));
    if (a->fixup_count == most_fixups) {
      a->failed = 1;
    } else {
      a->fixups[a->fixup_count++] = (fixup){a->code.count, at.number, has_immediate ? 5 : 4};
    }
    put_int32(&a->code, 0);
    break;
  }
}

/// An EVEX instruction. `reg` is the first operand, `second` the one in the prefix (0 if there is none), `mask` the mask
/// register (0: none), `zeroes` whether masked elements become 0, `repeats` whether `last` is one element in memory
/// that is repeated; `offset` is added to an array's address.
typedef struct {
  instruction what;
  int is_double, length, reg, second, mask, zeroes, repeats, offset, immediate;
  place last;
} evex;

static inline void put_evex(assembler *a, evex i) {
  const int in_register = i.last.kind == IN_REGISTER, rm = in_register ? i.last.number : 0;
  const int is_double = i.is_double, prefix = i.what.is_typed && is_double ? 1 : i.what.prefix;
  put(&a->code, 0x62);
  put(&a->code, (uint8_t)((~i.reg & 8) << 4 | (~rm & 16) << 2 | (~rm & 8) << 2 | (~i.reg & 16) | i.what.map));
  put(&a->code, (uint8_t)((is_double ? 0x80 : 0) | (~i.second & 15) << 3 | 4 | prefix));
  put(&a->code, (uint8_t)((i.zeroes ? 0x80 : 0) | i.length << 5 | (i.repeats ? 0x10 : 0) | (~i.second & 16) >> 1 | i.mask));
  put(&a->code, i.what.opcode);
  put_place(a, (uint8_t)i.reg, i.last, i.what.has_immediate);
  if (i.last.kind == IN_ARRAY) put_int32(&a->code, i.offset);
  if (i.what.has_immediate) put(&a->code, (uint8_t)i.immediate);
}

/// A VEX instruction on mask registers, 16 bits each. `second` is -1 where there is none.
static inline void put_mask_operation(assembler *a, uint8_t opcode, int reg, int second, place last) {
  PUT(&a->code, 0xc5, (uint8_t)(0x80 | (second < 0 ? 0x78 : (~second & 15) << 3 | 4)), opcode);
  put_place(a, (uint8_t)reg, last, 0);
}

// Masks.
enum { MASK_AND = 0x41, MASK_AND_NOT = 0x42, MASK_NOT = 0x44, MASK_OR = 0x45, MASK_SAME = 0x46, MASK_XOR = 0x47,
       MASK_TEST = 0x98, MASK_LOAD = 0x90, MASK_STORE = 0x91 };

// Predicates of comparisons: ordered ones are false for NaN.
enum { IS_EQUAL = 0, IS_LESS = 0x11, IS_LESS_EQUAL = 0x12, IS_UNORDERED = 3, IS_NOT_EQUAL = 4, IS_EQUAL_OR_NAN = 8,
       IS_UNLIKE = 12, IS_GREATER_EQUAL = 0x1d, IS_GREATER = 0x1e };

#define TYPED(map, opcode) {map, 0, opcode, 1, 0}
static const instruction ADD = TYPED(1, 0x58), MULTIPLY = TYPED(1, 0x59), SUBTRACT = TYPED(1, 0x5c),
                         DIVIDE = TYPED(1, 0x5e), MINIMUM = TYPED(1, 0x5d), MAXIMUM = TYPED(1, 0x5f),
                         SQUARE_ROOT = TYPED(1, 0x51), BITS_AND = TYPED(1, 0x54), BITS_OR = TYPED(1, 0x56),
                         BITS_XOR = TYPED(1, 0x57), LOAD = TYPED(1, 0x10), STORE = TYPED(1, 0x11),
                         STREAM = TYPED(1, 0x2b), MOVE = TYPED(1, 0x28), COMPARE = {1, 0, 0xc2, 1, 1};
// These have the prefix 66 for both types; some have another opcode for F64.
static const instruction BLEND = {2, 1, 0x65, 0, 0}, RANGE = {3, 1, 0x50, 0, 1}, CLASSIFY = {3, 1, 0x66, 0, 1},
                         ROUND_F32 = {3, 1, 0x08, 0, 1}, ROUND_F64 = {3, 1, 0x09, 0, 1},
                         REPEAT_F32 = {2, 1, 0x18, 0, 0}, REPEAT_F64 = {2, 1, 0x19, 0, 0};
// Bytes of bool.
static const instruction BYTES_LOAD = {1, 3, 0x6f, 0, 0}, BYTES_STORE = {1, 3, 0x7f, 0, 0},
                         EIGHT_BYTES_LOAD = {1, 2, 0x7e, 0, 0}, EIGHT_BYTES_STORE = {1, 1, 0xd6, 0, 0},
                         BYTES_TEST = {2, 1, 0x26, 0, 0}, BYTES_OF_MASK = {2, 2, 0x28, 0, 0},
                         BYTES_ABS = {2, 1, 0x1c, 0, 0};

#endif
