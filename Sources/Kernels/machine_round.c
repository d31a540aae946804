// Gives the values of a list of steps registers and writes the instructions.
#include "machine_round.h"

/// How far ahead arrays in memory are asked for, in bytes: the processor's own prefetching does not keep up with stores
/// that bypass the caches, nor with longer rounds (measured: 16 operations on 64 MB at 0.87 of a plain loop's speed
/// without, 1.0 with).
enum { ahead = 2048 };

static int group_count(const round_state *r, int is_mask) {
  return (is_mask ? mask_registers : vector_registers) / r->width;
}
/// Mask registers begin at k1: k0 means that there is no mask.
static int register_of(const round_state *r, int is_mask, int group, int u) {
  return group * r->width + u + (is_mask ? 1 : 0);
}
static int reg(const round_state *r, int32_t v, int u) {
  return register_of(r, r->list->values[v].is_mask, r->group[v], u);
}
static place in_register(int number) { return (place){IN_REGISTER, number}; }

static int32_t slot_displacement(const round_state *r, int32_t slot, int u) {
  return r->frame_start + 64 * (slot * r->width + u);
}

static void move_to_frame(round_state *r, int32_t v) {
  int32_t slot = 0;
  while (slot < r->slot_count && r->slot_is_taken[slot]) slot++;
  if (slot == r->slot_count) r->slot_count++;
  r->slot_is_taken[slot] = 1;
  r->spilled[v] = slot;
  r->has_spilled = 1;
  for (int u = 0; u < r->width; u++) {
    const place to = {IN_FRAME, slot_displacement(r, slot, u)};
    if (r->list->values[v].is_mask)
      put_mask_operation(r->a, MASK_STORE, reg(r, v, u), -1, to);
    else
      put_evex(r->a, (evex){STORE, 0, length_512, reg(r, v, u), 0, 0, 0, 0, 0, 0, to});
  }
}

static void release(round_state *r, int32_t v) {
  if (r->group[v] >= 0) r->owner[r->list->values[v].is_mask][r->group[v]] = -1;
  r->group[v] = -1;
}

/// A group for a value, taken from another if need be: from the one that is needed last, sooner from one that can be
/// had again without having been stored.
static int take_group(round_state *r, int is_mask, int32_t v) {
  const int count = group_count(r, is_mask);
  int best = -1, best_distance = -1;
  for (int g = 0; g < count; g++) {
    const int32_t other = r->owner[is_mask][g];
    if (other == -1) {
      best = g, best_distance = -1;
      break;
    }
    if (r->pinned[is_mask] >> g & 1) continue;
    int distance = r->next_use[other] - r->at;
    if (r->list->values[other].home != HOME_NOWHERE || r->spilled[other] >= 0) distance = 2 * distance + 4;
    if (distance > best_distance) best = g, best_distance = distance;
  }
  if (best < 0) {
    r->a->failed = 1;
    return 0;
  }
  const int32_t old = r->owner[is_mask][best];
  if (old >= 0) {
    if (r->list->values[old].home == HOME_NOWHERE && r->spilled[old] < 0) move_to_frame(r, old);
    if (r->list->values[old].home == HOME_ARRAY) r->has_spilled = 1;
    release(r, old);
  }
  r->owner[is_mask][best] = v;
  r->pinned[is_mask] |= 1u << best;
  if (v >= 0) r->group[v] = (int16_t)best;
  return best;
}

/// Registers for the length of a step.
enum { temporary = -2 };
static int take_temporary(round_state *r) { return take_group(r, 0, temporary); }
static void drop_temporary(round_state *r, int group) { r->owner[0][group] = -1; }

static void load_array(round_state *r, int32_t v) {
  const value *it = &r->list->values[v];
  const int is_double = r->list->is_double, mask = r->is_tail ? tail_mask : 0;
  if (it->is_mask) {
    const int group = take_temporary(r);
    put_address_of(r->a, it->number);
    for (int u = 0; u < r->width; u++) {
      const int bytes = register_of(r, 0, group, u), by_eight = is_double && !r->is_tail;
      put_evex(r->a, (evex){by_eight ? EIGHT_BYTES_LOAD : BYTES_LOAD, by_eight, length_128, bytes, 0, mask, mask != 0, 0,
                            u * lanes(r), 0, {IN_ARRAY, 1}});
      put_evex(r->a, (evex){BYTES_TEST, 0, length_128, reg(r, v, u), bytes, 0, 0, 0, 0, 0, in_register(bytes)});
    }
    drop_temporary(r, group);
    return;
  }
  put_address_of(r->a, it->number);
  for (int u = 0; it->is_far && !r->is_tail && u < r->width; u++) {
    PUT(&r->a->code, 0x0f, 0x18, 0x8c, is_double ? 0xc8 : 0x88);  // prefetcht0 [rax + rcx * scale + …]
    put_int32(&r->a->code, ahead + 64 * u);
  }
  for (int u = 0; u < r->width; u++)
    put_evex(r->a, (evex){LOAD, is_double, length_512, reg(r, v, u), 0, mask, mask != 0, 0, 64 * u, 0,
                          {IN_ARRAY, is_double ? 8 : 4}});
}

static place memory_of(const round_state *r, int32_t v) {
  const value *it = &r->list->values[v];
  return (place){it->home == HOME_CONSTANT ? IN_CONSTANTS : IN_FRAME, it->number};
}

/// Sees to it that a value is in registers, and stays there for this step.
static void need(round_state *r, int32_t v) {
  const value *it = &r->list->values[v];
  if (r->group[v] >= 0) {
    r->pinned[it->is_mask] |= 1u << r->group[v];
    return;
  }
  take_group(r, it->is_mask, v);
  if (r->a->failed) return;
  const instruction repeat = r->list->is_double ? REPEAT_F64 : REPEAT_F32;
  if (r->spilled[v] >= 0) {
    for (int u = 0; u < r->width; u++) {
      const place from = {IN_FRAME, slot_displacement(r, r->spilled[v], u)};
      if (it->is_mask)
        put_mask_operation(r->a, MASK_LOAD, reg(r, v, u), -1, from);
      else
        put_evex(r->a, (evex){LOAD, 0, length_512, reg(r, v, u), 0, 0, 0, 0, 0, 0, from});
    }
  } else if (it->home == HOME_ARRAY) {
    load_array(r, v);
  } else if (it->home == HOME_NOWHERE) {
    r->a->failed = 1;
  } else {
    for (int u = 0; u < r->width; u++) {
      if (it->is_mask)
        put_mask_operation(r->a, MASK_LOAD, reg(r, v, u), -1, memory_of(r, v));
      else
        put_evex(r->a, (evex){repeat, r->list->is_double, length_512, reg(r, v, u), 0, 0, 0, 0, 0, 0, memory_of(r, v)});
    }
  }
}

/// The same for the last operand of an instruction, which may be an element in memory.
static int need_last(round_state *r, int32_t v) {
  const value *it = &r->list->values[v];
  if (r->group[v] < 0 && (it->home == HOME_CONSTANT || it->home == HOME_SCALAR)) return 0;
  need(r, v);
  return 1;
}

static void give_up_dead(round_state *r, int32_t v) {
  if (v < 0 || r->list->values[v].last_use > r->at) return;
  release(r, v);
  if (r->spilled[v] >= 0) r->slot_is_taken[r->spilled[v]] = 0;
  r->spilled[v] = -1;
}

static void store_array(round_state *r, const step *s) {
  const int is_double = r->list->is_double, mask = r->is_tail ? tail_mask : 0;
  need(r, s->a);
  if (r->list->values[s->a].is_mask) {
    const int group = take_temporary(r);
    put_address_of(r->a, s->immediate);
    for (int u = 0; u < r->width; u++) {
      const int bytes = register_of(r, 0, group, u), by_eight = is_double && !r->is_tail;
      put_evex(r->a, (evex){BYTES_OF_MASK, 0, length_128, bytes, 0, 0, 0, 0, 0, 0, in_register(reg(r, s->a, u))});
      put_evex(r->a, (evex){BYTES_ABS, 0, length_128, bytes, 0, 0, 0, 0, 0, 0, in_register(bytes)});
      put_evex(r->a, (evex){by_eight ? EIGHT_BYTES_STORE : BYTES_STORE, by_eight, length_128, bytes, 0, mask, 0, 0,
                            u * lanes(r), 0, {IN_ARRAY, 1}});
    }
    drop_temporary(r, group);
    return;
  }
  put_address_of(r->a, s->immediate);
  for (int u = 0; u < r->width; u++)
    put_evex(r->a, (evex){r->streams && s->streams && !r->is_tail ? STREAM : STORE, is_double, length_512, reg(r, s->a, u), 0, mask, 0,
                          0, 64 * u, 0, {IN_ARRAY, is_double ? 8 : 4}});
}

static int is_in_memory(const round_state *r, int32_t v) {
  const home_kind home = r->list->values[v].home;
  return home == HOME_CONSTANT || home == HOME_SCALAR;
}

/// Whether a result may take over the registers of an operand: nothing reads it later.
static int ends_here(const round_state *r, const step *s, int32_t v) {
  return !is_in_memory(r, v) && r->list->values[v].last_use <= r->at && (s->a == v) + (s->b == v) + (s->c == v) == 1;
}

/// a b + c or c - a b. The instruction writes over one of its operands.
static void put_multiply_add(round_state *r, const step *s) {
  int32_t a = s->a, b = s->b;
  const int32_t c = s->c;
  if (is_in_memory(r, a) || (!is_in_memory(r, b) && ends_here(r, s, b))) a = s->b, b = s->a;
  // Form 231 writes over c, form 213 over a.
  const int over_c = ends_here(r, s, c) || (is_in_memory(r, c) && !ends_here(r, s, a) && !is_in_memory(r, b));
  int32_t written = over_c ? c : a;
  if (!over_c && !ends_here(r, s, a) && is_in_memory(r, b)) written = b, b = a, a = written;
  const int32_t second = over_c ? a : b, last = over_c ? b : c;
  const int is_copied = !is_in_memory(r, written) && !ends_here(r, s, written);
  need(r, written);
  need(r, second);
  const int last_in_register = need_last(r, last);
  if (r->a->failed) return;
  const int second_group = r->group[second], last_group = last_in_register ? r->group[last] : -1;
  const int from = r->group[written];
  if (is_copied) {
    take_group(r, 0, s->out);
  } else {
    release(r, written);
    r->owner[0][from] = s->out;
    r->group[s->out] = (int16_t)from;
  }
  if (r->a->failed) return;
  const instruction what = {2, 1, (uint8_t)((over_c ? 0xb8 : 0xa8) + (s->immediate ? 4 : 0)), 0, 0};
  for (int u = 0; u < r->width; u++) {
    const int out = reg(r, s->out, u), is_double = r->list->is_double;
    if (is_copied)
      put_evex(r->a, (evex){MOVE, is_double, length_512, out, 0, 0, 0, 0, 0, 0, in_register(register_of(r, 0, from, u))});
    put_evex(r->a, (evex){what, is_double, length_512, out, register_of(r, 0, second_group, u), 0, 0, !last_in_register, 0,
                          0, last_in_register ? in_register(register_of(r, 0, last_group, u)) : memory_of(r, last)});
  }
  give_up_dead(r, s->a);
  give_up_dead(r, s->b);
  give_up_dead(r, s->c);
  give_up_dead(r, s->out);
}

static void put_rare(round_state *r, const step *s) {
  need(r, s->a);
  need(r, s->b);
  need(r, s->c);
  if (r->a->failed) return;
  const int16_t group = r->group[s->a];
  for (int u = 0; u < r->width; u++) {
    const int y = reg(r, s->a, u), mask = reg(r, s->c, u);
    const place lanes_at = {IN_FRAME, r->rare_frame};
    put_mask_operation(r->a, MASK_TEST, mask, -1, in_register(mask));
    PUT(&r->a->code, 0x0f, 0x84);  // jz past the call
    put_int32(&r->a->code, 0);
    const size_t skips = r->a->code.count;
    put_evex(r->a, (evex){STORE, 0, length_512, reg(r, s->b, u), 0, 0, 0, 0, 0, 0, lanes_at});
    PUT(&r->a->code, 0x56, 0xbe);  // push rsi; mov esi, the code of the function
    put_int32(&r->a->code, s->immediate);
    PUT(&r->a->code, 0xe8);  // call
    put_int32(&r->a->code, (int32_t)((int64_t)r->rare_call - (int64_t)r->a->code.count - 4));
    put(&r->a->code, 0x5e);  // pop rsi
    put_evex(r->a, (evex){LOAD, 0, length_512, y, 0, mask, 0, 0, 0, 0, lanes_at});
    set_int32(r->a, skips - 4, (int32_t)(r->a->code.count - skips));
  }
  give_up_dead(r, s->a);
  give_up_dead(r, s->b);
  give_up_dead(r, s->c);
  r->owner[0][group] = s->out;
  r->group[s->out] = group;
  give_up_dead(r, s->out);
}

static void put_step(round_state *r, const step *s) {
  r->pinned[0] = r->pinned[1] = 0;
  if (s->kind == STEP_RARE) {
    put_rare(r, s);
    return;
  }
  if (s->kind == STEP_MULTIPLY_ADD) {
    put_multiply_add(r, s);
    return;
  }
  if (s->kind == STEP_STORE) {
    store_array(r, s);
    give_up_dead(r, s->a);
    return;
  }
  // Which operand may be in memory: the last of those that are vectors.
  const int32_t last = s->kind == STEP_UNARY ? s->a : s->b;
  int last_in_register = 1;
  if (s->kind == STEP_KEEP) {
    last_in_register = 0;
  } else {
    if (s->a >= 0 && s->a != last) need(r, s->a);
    if (s->kind == STEP_MASK || s->kind == STEP_CLASSIFY) {
      need(r, s->a);
      if (s->b >= 0) need(r, s->b);
    } else {
      if (s->a == last && s->kind != STEP_UNARY) need(r, s->a);
      last_in_register = need_last(r, last);
    }
  }
  if (s->c >= 0) need(r, s->c);
  if (r->a->failed) return;
  // An instruction reads its operands before it writes: the result may take over their registers.
  int16_t a = s->a >= 0 ? r->group[s->a] : -1, b = s->b >= 0 ? r->group[s->b] : -1, c = s->c >= 0 ? r->group[s->c] : -1;
  const int is_mask = r->list->values[s->out].is_mask, is_double = r->list->is_double;
  const int a_is_mask = s->a >= 0 && r->list->values[s->a].is_mask;
  give_up_dead(r, s->a);
  give_up_dead(r, s->b);
  give_up_dead(r, s->c);
  take_group(r, is_mask, s->out);
  if (r->a->failed) return;
  for (int u = 0; u < r->width; u++) {
    const int out = reg(r, s->out, u), first = a >= 0 ? register_of(r, a_is_mask, a, u) : 0;
    const int mask = c >= 0 ? register_of(r, 1, c, u) : 0;
    const place at = !last_in_register ? memory_of(r, last)
                     : s->kind == STEP_UNARY ? in_register(first)
                     : b >= 0                ? in_register(register_of(r, s->kind == STEP_MASK, b, u))
                                             : in_register(0);
    switch (s->kind) {
    case STEP_BINARY:
    case STEP_COMPARE:
    case STEP_BLEND:
      put_evex(r->a, (evex){s->what, is_double, length_512, out, first, s->kind == STEP_BLEND ? mask : 0, 0,
                            !last_in_register, 0, s->immediate, at});
      break;
    case STEP_UNARY:
      put_evex(r->a, (evex){s->what, is_double, length_512, out, 0, 0, 0, !last_in_register, 0, s->immediate, at});
      break;
    case STEP_CLASSIFY:
      put_evex(r->a, (evex){s->what, is_double, length_512, out, 0, 0, 0, 0, 0, s->immediate, in_register(first)});
      break;
    case STEP_KEEP: put_evex(r->a, (evex){s->what, is_double, length_512, out, 0, mask, 1, 0, 0, 0, at}); break;
    case STEP_MASK:
      if (s->b < 0)
        put_mask_operation(r->a, s->what.opcode, out, -1, in_register(first));
      else
        put_mask_operation(r->a, s->what.opcode, out, first, at);
      break;
    case STEP_MULTIPLY_ADD:
    case STEP_RARE:
    case STEP_STORE: break;
    }
  }
  give_up_dead(r, s->out);
}

void soma_machine_round(round_state *r) {
  const step_list *list = r->list;
  for (int g = 0; g < vector_registers; g++) r->owner[0][g] = r->owner[1][g] = -1;
  for (int v = 0; v < list->value_count; v++) {
    r->group[v] = -1, r->spilled[v] = -1;
    r->next_use[v] = list->values[v].first_use;
  }
  memset(r->slot_is_taken, 0, sizeof r->slot_is_taken);
  r->slot_count = r->has_spilled = 0;
  for (r->at = 0; r->at < list->step_count && !r->a->failed; r->at++) {
    const step *it = &list->steps[r->at];
    const int32_t reads[] = {it->a, it->b, it->c};
    put_step(r, it);
    // A narrower round is tried then.
    if (r->has_spilled && r->width > 1) return;
    for (int k = 0; k < 3; k++)
      if (reads[k] >= 0) r->next_use[reads[k]] = it->next[k];
  }
}
