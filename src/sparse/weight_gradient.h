// The gradient of a convolution's weights, on the vectors of the including file.
//
// Sums of a few output channels and a chunk of input channels stay in registers while a block of
// pairs adds to them; the rows of the block stay in the L1 cache while all output channels take
// their turn. One thread takes all pairs of an offset and chunk, in their order, so bits do not
// depend on the number of threads.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "reals.h"

namespace snn_ros {
namespace {

constexpr int kPairsAtOnce = 64;

// One pair of a block: a chunk of its input row, and its row of the gradient.
struct Outer {
  const float* features;
  const float* gradient;
};

// ROWS output channels from `channel` on, COLUMNS input channels; sums are `stride` apart.
template <int ROWS, int COLUMNS>
void add_outer_tile(const Outer* pairs, int count, int channel, float* sums, int64_t stride) {
  constexpr int kVectors = COLUMNS / kLanes;
  Floats kept[ROWS][kVectors] = {};
  for (int pair = 0; pair < count; ++pair) {
    Floats feature[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) feature[v] = load<Floats>(pairs[pair].features + v * kLanes);
#pragma GCC unroll 16
    for (int row = 0; row < ROWS; ++row) {
      const Floats gradient = RealArithmetic::broadcast(pairs[pair].gradient + channel + row);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        kept[row][v] = RealArithmetic::multiply_add(kept[row][v], gradient, feature[v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; ++row, sums += stride) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) add_to(sums + v * kLanes, kept[row][v]);
  }
}

// All output channels of a block of pairs.
template <int COLUMNS>
void add_outer(const Outer* pairs, int count, int channels, float* sums, int64_t stride) {
  int channel = 0;
  for (; channel + kRowsAtOnce <= channels; channel += kRowsAtOnce) {
    add_outer_tile<kRowsAtOnce, COLUMNS>(pairs, count, channel, sums + channel * stride, stride);
  }
  for (; channel < channels; ++channel) {
    add_outer_tile<1, COLUMNS>(pairs, count, channel, sums + channel * stride, stride);
  }
}

// All pairs of one offset; `width` input channels from `column` on.
template <int COLUMNS>
void add_offset(const WeightGradient& work, int offset, int column, int width) {
  const int64_t stride = static_cast<int64_t>(work.rulebook.offsets) * work.in_channels;
  float* sums = work.sums + static_cast<int64_t>(offset) * work.in_channels + column;
  Outer pairs[kPairsAtOnce];
  const int64_t end = work.rulebook.starts[offset + 1];
  for (int64_t next = work.rulebook.starts[offset]; next < end; next += kPairsAtOnce) {
    const int count = static_cast<int>(std::min<int64_t>(kPairsAtOnce, end - next));
    for (int pair = 0; pair < count; ++pair) {
      const int64_t input = work.rulebook.inputs[next + pair];
      const int64_t output = work.rulebook.outputs[next + pair];
      pairs[pair] = {work.features + input * work.in_channels + column,
                     work.gradient + output * work.out_channels};
    }
    for (int within = 0; within < width; within += COLUMNS) {
      add_outer<COLUMNS>(pairs, count, work.out_channels, sums + within, stride);
      for (int pair = 0; pair < count; ++pair) pairs[pair].features += COLUMNS;
    }
  }
}

void add_chunk(const WeightGradient& work, int offset, int column, int width) {
  if constexpr (kColumnsAtOnce == kChunk) {
    if (width == 64) return add_offset<64>(work, offset, column, width);
    if (width == 32) return add_offset<32>(work, offset, column, width);
  }
  add_offset<16>(work, offset, column, width);
}

// Units are offsets, each with all its chunks of input channels.
void add_weight_gradient(const WeightGradient& work, int32_t first, int32_t last) {
  const int chunks = (work.in_channels + kChunk - 1) / kChunk;
  for (int32_t unit = first; unit < last; ++unit) {
    const int offset = unit / chunks, column = unit % chunks * kChunk;
    const int width = std::min(kChunk, work.in_channels - column);
    add_chunk(work, offset, column, width);
  }
}

}  // namespace
}  // namespace snn_ros
