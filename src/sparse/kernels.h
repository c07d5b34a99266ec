// What the kernels of all instruction sets and their caller agree on.
//
// Buffers of features are row-major with rows padded to a multiple of 16 channels; the channels
// that pad them are zero. They stay zero: their weights, scales and biases are zero.
#pragma once

#include <cstdint>

namespace snn_ros {

// Output channels are worked on in chunks of at most this many.
constexpr int kChunk = 64;
// Output rows whose sums are kept at once: 128 rows of a chunk are 32 kB and stay in the L1 cache.
constexpr int kBlock = 128;

// Pairs of input and output rows, grouped by kernel offset: those of offset k are starts[k] to
// starts[k + 1], their outputs ascending and none twice.
struct Rulebook {
  const int32_t* inputs;
  const int32_t* outputs;
  const int64_t* starts;
  int32_t offsets;
  int32_t num_inputs;
  int32_t num_outputs;
};

// Weights as chunks of output channels, each [offset][step][channel]. A step is what one
// multiply-add takes in: one input channel for floats, four consecutive ones for counts, whose
// int8 weights then lie next to each other. Wide weights, of 16 bits, are two planes of int8,
// w = 256 * high + low: [offset][plane][step][channel], high first.
struct Weights {
  const void* values;
  int32_t steps;
  int32_t in_stride;   // elements from one input row to the next
  int32_t out_stride;  // padded output channels
};

// What happens to the sum of a row: y = sum * scale + bias, then + shortcut where there is one.
// Every output is optional.
struct Epilogue {
  const float* scale;
  const float* bias;
  const float* shortcut;
  float* membrane;   // y
  float* spikes;     // floor(clip(y * counts_per_unit, 0, max_count) + 0.5)
  uint8_t* counts;   // the same
  uint8_t* active;   // per row: 1 where a count is not zero; needs counts
  float* rectified;  // max(y, 0)
  int32_t max_count;
  float counts_per_unit;  // 1 for spikes
};

// A step of an input row that is not zero: four consecutive counts, or a float, as in memory.
struct Event {
  int32_t step;
  uint32_t features;
};

// Input rows as lists of events: row r has count[r] of them from events[r * steps] on.
struct Events {
  const Event* events;
  const int32_t* count;
};

struct Convolution {
  Rulebook rulebook;
  Weights weights;
  Epilogue epilogue;
  const void* features;   // float or uint8_t
  const uint8_t* active;  // per input row: 0 where all its counts are zero; null: unknown
  Events events;          // of the event-driven kernels
};

// sums[o][k][i] += sum over the pairs of offset k of gradient[output][o] * features[input][i].
struct WeightGradient {
  Rulebook rulebook;
  const float* features;
  const float* gradient;
  float* sums;           // [output channel][offset][input channel]
  int32_t in_channels;   // a multiple of 16
  int32_t out_channels;  // any number: these rows are not padded
};

// Compute output rows first to last. Rows do not depend on how they are split into such ranges.
using Kernel = void (*)(const Convolution&, int32_t first, int32_t last);

// Add units first to last: the offsets, each split into chunks of input channels.
using GradientKernel = void (*)(const WeightGradient&, int32_t first, int32_t last);

struct Kernels {
  Kernel floats;
  Kernel counts;
  Kernel events;
  Kernel float_events;
  Kernel wide_counts;
  Kernel wide_events;
  GradientKernel weight_gradient;
};

extern const Kernels kPortableKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

}  // namespace snn_ros
