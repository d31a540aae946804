// What a convolution by own loops is made of; not visible outside this module.
//
// Every role becomes sums of products over shifted copies of an image: the image is framed by the zeros that padding
// means, and lines are split into every `step`-th element, so that sixteen neighbouring places of a result read sixteen
// neighbouring numbers whatever the stride. Then a term of a sum is one offset, the same for all places.
#ifndef SOMA_LINEAR_CONV_PLAN_H
#define SOMA_LINEAR_CONV_PLAN_H

#include "linear_internal.h"

enum { conv_rows = 8, conv_most_pieces = 4 };

/// Neighbouring places of a result that fill a vector, in up to four pieces of neighbouring lines. What a lane `l` of
/// piece `p` reads is element `from[p] + l` of the frame and `to[p] + l` of the other image.
typedef struct {
  int32_t from[conv_most_pieces], to[conv_most_pieces];
  uint32_t mask[conv_most_pieces];
} conv_vector;

/// A line of a frame and where it comes from; `from` < 0: zeros.
typedef struct {
  int32_t to, from;
} conv_line;

/// Every `step`-th element of each line of the source: element `j` is the line's element `j · step + offset` if
/// `first` <= j < `end`, else zero. `masks` tells for each vector of a line which of the elements it takes from (for
/// step 2, from two vectors) are inside.
typedef struct {
  int64_t offset, first, end;
  uint32_t *masks;
} conv_phase;

/// How a channel of the source is laid out for reading.
typedef struct {
  /// The source is read where it lies.
  int is_direct;
  int64_t step;
  /// What is read of a line. The phases of a channel follow each other, in lines of `length` elements.
  int64_t phase_count, phase_plane, length;
  conv_phase *phases;
  int64_t line_count;
  conv_line *lines;
  /// Elements of a channel, in the frame and in the source.
  int64_t plane, source_plane;
} conv_frame;

/// Places of a result that sum the same terms.
typedef struct {
  int64_t depth;
  /// For each term: its place in the frame, and its weight's place for the first channel.
  int32_t *offsets, *weights;
  int pieces;
  int64_t vector_count;
  conv_vector *vectors;
  /// Where its weights begin among those packed for a group.
  int64_t packed;
} conv_part;

struct soma_conv_plan {
  soma_conv_role role;
  soma_dtype dtype;
  size_t size;
  int64_t batch, groups;
  /// Channels of a group: of what is framed, and of the result (of KERNEL: of the output gradient).
  int64_t sources, results;
  conv_frame frame;
  int64_t part_count;
  conv_part *parts;
  /// Elements of a group's kernel, between weights of one result channel and the next, and of a group's packed weights.
  int64_t kernel, weight_stride, packed;
  /// A channel of the result, and how it is written: `merge` > 1 places apart, in lines of `merge_length`.
  int64_t result_plane, merge, merge_length, merge_lines, merge_in;
  /// Some places of the result have no terms.
  int has_gaps;
  /// Divisions of an image's channels, for batches with fewer images than threads.
  int64_t splits;
  /// Images that are framed at a time.
  int64_t frames;
};

#endif
