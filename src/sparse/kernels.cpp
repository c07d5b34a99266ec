// The convolution kernels. Compiled once per instruction set, with SNN_ROS_KERNELS the name of the
// table it fills; all intrinsics are in the functions `multiply_add` of the two arithmetics.
//
// Output-stationary: the sums of a block of output rows stay in the L1 cache while all offsets add
// to them, then the epilogue runs on them. No output is read back, threads share no output row, and
// a row's sum is taken in the order of its offsets whatever the block, so bits do not depend on the
// number of threads.

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels.h"
#include "reals.h"
#include "weight_gradient.h"

namespace snn_ros {
namespace {

// On weights in so many planes of int8.
template <int PLANES>
struct CountArithmetic {
  using Feature = uint8_t;
  using Weight = std::array<int8_t, 4>;
  using Sum = int32_t;
  using Vector = Ints;
  static constexpr int kFeaturesPerStep = 4, kPlanes = PLANES;

  // The sums of one plane, to which those of the next are added.
  static Vector next_plane(Vector sum) { return sum << 8; }

  static Vector broadcast(uint32_t four_counts) {
    return Vector{} + static_cast<int32_t>(four_counts);
  }

  static Vector broadcast(const uint8_t* counts) {
    uint32_t four_counts;
    std::memcpy(&four_counts, counts, sizeof four_counts);
    return broadcast(four_counts);
  }

  // Adds the four products of each lane. Counts are at most 127, so that two products of the AVX2
  // form fit 16 bits and all forms give the same integers.
  static Vector multiply_add(Vector sum, Vector counts, Vector weights) {
#if defined(__AVX512VNNI__)
    return (Vector)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)counts, (__m512i)weights);
#elif defined(__AVX2__)
    const __m256i in_pairs = _mm256_maddubs_epi16((__m256i)counts, (__m256i)weights);
    return sum + (Vector)_mm256_madd_epi16(in_pairs, _mm256_set1_epi16(1));
#elif defined(__SSE2__)
    const auto products = [](__m128i a, __m128i b) { return (Vector)_mm_madd_epi16(a, b); };
    const auto odd = [](Vector bytes) { return _mm_srai_epi16((__m128i)bytes, 8); };
    const auto even = [](Vector bytes) {
      return _mm_srai_epi16(_mm_slli_epi16((__m128i)bytes, 8), 8);
    };
    return sum + products(even(counts), even(weights)) + products(odd(counts), odd(weights));
#else
    for (int shift = 24; shift >= 0; shift -= 8) {
      sum += ((counts << shift) >> 24) * ((weights << shift) >> 24);
    }
    return sum;
#endif
  }
};

// One pair of a block: where its input row begins, and the sums of its output row.
template <class Arithmetic>
struct Pair {
  const typename Arithmetic::Feature* features;
  typename Arithmetic::Sum* sums;
};

// ROWS pairs of one offset, COLUMNS output channels: the sums of the pairs stay in registers.
template <class Arithmetic, int ROWS, int COLUMNS>
void multiply_tile(const Pair<Arithmetic>* pairs, const typename Arithmetic::Weight* weights,
                   int steps, int width) {
  using Vector = typename Arithmetic::Vector;
  constexpr int kVectors = COLUMNS / kLanes;
  Vector sums[ROWS][kVectors] = {};
  for (int plane = 0; plane < Arithmetic::kPlanes; ++plane) {
#pragma GCC unroll 8
    for (int row = 0; row < ROWS; ++row) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[row][v] = Arithmetic::next_plane(sums[row][v]);
    }
    for (int step = 0; step < steps; ++step, weights += width) {
      Vector weight[kVectors];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) weight[v] = load<Vector>(weights + v * kLanes);
#pragma GCC unroll 8
      for (int row = 0; row < ROWS; ++row) {
        const Vector feature =
            Arithmetic::broadcast(pairs[row].features + step * Arithmetic::kFeaturesPerStep);
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; ++v) {
          sums[row][v] = Arithmetic::multiply_add(sums[row][v], feature, weight[v]);
        }
      }
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < ROWS; ++row) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) add_to(pairs[row].sums + v * kLanes, sums[row][v]);
  }
}

template <class Arithmetic, int ROWS, int COLUMNS>
void multiply_rest(const Pair<Arithmetic>* pairs, int count,
                   const typename Arithmetic::Weight* weights, int steps, int width) {
  if constexpr (ROWS > 0) {
    if (count == ROWS) {
      multiply_tile<Arithmetic, ROWS, COLUMNS>(pairs, weights, steps, width);
    } else {
      multiply_rest<Arithmetic, ROWS - 1, COLUMNS>(pairs, count, weights, steps, width);
    }
  }
}

template <class Arithmetic, int COLUMNS>
void multiply_columns(const Pair<Arithmetic>* pairs, int count,
                      const typename Arithmetic::Weight* weights, int steps, int width) {
  for (; count >= kRowsAtOnce; count -= kRowsAtOnce, pairs += kRowsAtOnce) {
    multiply_tile<Arithmetic, kRowsAtOnce, COLUMNS>(pairs, weights, steps, width);
  }
  multiply_rest<Arithmetic, kRowsAtOnce - 1, COLUMNS>(pairs, count, weights, steps, width);
}

// All pairs of one offset in one block. `width` is the chunk's number of output channels.
template <class Arithmetic>
void multiply(Pair<Arithmetic>* pairs, int count, const typename Arithmetic::Weight* weights,
              int steps, int width) {
  if constexpr (kColumnsAtOnce == kChunk) {
    if (width == 64) return multiply_columns<Arithmetic, 64>(pairs, count, weights, steps, width);
    if (width == 48) return multiply_columns<Arithmetic, 48>(pairs, count, weights, steps, width);
    if (width == 32) return multiply_columns<Arithmetic, 32>(pairs, count, weights, steps, width);
  }
  for (int column = 0; column < width; column += 16) {
    multiply_columns<Arithmetic, 16>(pairs, count, weights + column, steps, width);
    for (int pair = 0; pair < count; ++pair) pairs[pair].sums += 16;
  }
}

// Adds the weights of an input row's events to the sums of one output row.
template <class Arithmetic, int COLUMNS>
void accumulate_columns(const Event* first, const Event* last,
                        const typename Arithmetic::Weight* weights, int steps, int width,
                        typename Arithmetic::Sum* sums) {
  using Vector = typename Arithmetic::Vector;
  constexpr int kVectors = COLUMNS / kLanes;
  Vector kept[kVectors] = {};
  for (int plane = 0; plane < Arithmetic::kPlanes; ++plane, weights += steps * width) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) kept[v] = Arithmetic::next_plane(kept[v]);
    for (const Event* event = first; event != last; ++event) {
      typename Arithmetic::Feature features[Arithmetic::kFeaturesPerStep];
      std::memcpy(features, &event->features, sizeof features);
      const Vector feature = Arithmetic::broadcast(features);
      const typename Arithmetic::Weight* row = weights + event->step * width;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        kept[v] = Arithmetic::multiply_add(kept[v], feature, load<Vector>(row + v * kLanes));
      }
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) add_to(sums + v * kLanes, kept[v]);
}

template <class Arithmetic>
void accumulate(const Event* first, const Event* last, const typename Arithmetic::Weight* weights,
                int steps, int width, typename Arithmetic::Sum* sums) {
  if constexpr (kColumnsAtOnce == kChunk) {
    if (width == 64) {
      return accumulate_columns<Arithmetic, 64>(first, last, weights, steps, 64, sums);
    }
    if (width == 48) {
      return accumulate_columns<Arithmetic, 48>(first, last, weights, steps, 48, sums);
    }
    if (width == 32) {
      return accumulate_columns<Arithmetic, 32>(first, last, weights, steps, 32, sums);
    }
  }
  for (int column = 0; column < width; column += 16) {
    accumulate_columns<Arithmetic, 16>(first, last, weights + column, steps, width, sums + column);
  }
}

// Pairs of one offset whose outputs are in one block of rows.
struct Range {
  int64_t begin, end;
};

// For every offset, the range of its pairs in the present block. A type of this file inside the
// vector: code that the linker might share between instruction sets would be one too new for some.
class Ranges {
 public:
  Ranges(const Rulebook& rulebook, int32_t first_row)
      : rulebook_(rulebook), ranges_(rulebook.offsets) {
    const auto before = [first_row](int32_t output) { return output < first_row; };
    for (int offset = 0; offset < rulebook.offsets; ++offset) {
      const int32_t* outputs = rulebook.outputs;
      const int32_t* found =
          std::partition_point(outputs + rulebook.starts[offset],
                               outputs + rulebook.starts[offset + 1], before);
      ranges_[offset].end = found - outputs;
    }
  }

  // On to the block that follows the last one and ends before `last_row`.
  void advance(int32_t last_row) {
    for (int offset = 0; offset < rulebook_.offsets; ++offset) {
      const int64_t limit = rulebook_.starts[offset + 1];
      int64_t pair = ranges_[offset].end;
      ranges_[offset].begin = pair;
      while (pair < limit && rulebook_.outputs[pair] < last_row) ++pair;
      ranges_[offset].end = pair;
    }
  }

  Range operator[](int offset) const { return ranges_[offset]; }

 private:
  const Rulebook& rulebook_;
  std::vector<Range> ranges_;
};

template <class Sum>
void finish_row(const Epilogue& epilogue, const Sum* sums, int64_t position, int channel,
                int width) {
  float membrane[kChunk];
  for (int c = 0; c < width; ++c) {
    membrane[c] =
        static_cast<float>(sums[c]) * epilogue.scale[channel + c] + epilogue.bias[channel + c];
  }
  if (epilogue.shortcut) {
    for (int c = 0; c < width; ++c) membrane[c] += epilogue.shortcut[position + c];
  }
  if (epilogue.membrane) std::copy_n(membrane, width, epilogue.membrane + position);
  if (epilogue.rectified) {
    for (int c = 0; c < width; ++c) {
      epilogue.rectified[position + c] = std::max(membrane[c], 0.0f);
    }
  }
  if (!epilogue.counts && !epilogue.spikes) return;
  int32_t counts[kChunk];
  const float most = static_cast<float>(epilogue.max_count);
  for (int c = 0; c < width; ++c) {
    const float scaled = membrane[c] * epilogue.counts_per_unit;
    const float clipped = std::min(std::max(scaled, 0.0f), most);
    counts[c] = static_cast<int32_t>(clipped + 0.5f);
  }
  if (epilogue.counts) std::copy_n(counts, width, epilogue.counts + position);
  if (epilogue.spikes) std::copy_n(counts, width, epilogue.spikes + position);
}

void note_active(const Epilogue& epilogue, int32_t row, int channels) {
  const uint8_t* counts = epilogue.counts + static_cast<int64_t>(row) * channels;
  uint8_t any = 0;
  for (int c = 0; c < channels; ++c) any |= counts[c];
  epilogue.active[row] = any != 0;
}

// One offset's pairs of a block of output rows that starts at `first_row`.
struct Segment {
  Range pairs;
  int32_t first_row;
  int width;
};

// The pairs of a segment, without those of silent input rows.
template <class Arithmetic>
int gather(const Convolution& work, const Segment& segment, typename Arithmetic::Sum* sums,
           Pair<Arithmetic>* pairs) {
  const auto* features = static_cast<const typename Arithmetic::Feature*>(work.features);
  int count = 0;
  for (int64_t pair = segment.pairs.begin; pair < segment.pairs.end; ++pair) {
    const int64_t input = work.rulebook.inputs[pair];
    pairs[count] = {features + input * work.weights.in_stride,
                    sums + (work.rulebook.outputs[pair] - segment.first_row) * segment.width};
    count += work.active ? work.active[input] : 1;
  }
  return count;
}

template <class Numbers>
struct GatherMultiply {
  using Arithmetic = Numbers;

  static void add(const Convolution& work, const Segment& segment,
                  const typename Arithmetic::Weight* weights, typename Arithmetic::Sum* sums) {
    Pair<Arithmetic> pairs[kBlock];
    const int count = gather<Arithmetic>(work, segment, sums, pairs);
    multiply<Arithmetic>(pairs, count, weights, work.weights.steps, segment.width);
  }
};

template <class Numbers>
struct EventDriven {
  using Arithmetic = Numbers;

  static void add(const Convolution& work, const Segment& segment,
                  const typename Arithmetic::Weight* weights, typename Arithmetic::Sum* sums) {
    for (int64_t pair = segment.pairs.begin; pair < segment.pairs.end; ++pair) {
      const int64_t input = work.rulebook.inputs[pair];
      const Event* events = work.events.events + input * work.weights.steps;
      accumulate<Arithmetic>(
          events, events + work.events.count[input], weights, work.weights.steps, segment.width,
          sums + (work.rulebook.outputs[pair] - segment.first_row) * segment.width);
    }
  }
};

template <class Method>
void convolve(const Convolution& work, int32_t first, int32_t last) {
  using Arithmetic = typename Method::Arithmetic;
  alignas(64) typename Arithmetic::Sum sums[kBlock * kChunk];
  const int offsets = work.rulebook.offsets;
  const int channels = work.weights.out_stride;
  const int weight_rows = work.weights.steps * Arithmetic::kPlanes;  // of an offset
  Ranges ranges(work.rulebook, first);
  for (int32_t row = first; row < last; row += kBlock) {
    const int32_t block_end = std::min(row + kBlock, last);
    const auto* weights = static_cast<const typename Arithmetic::Weight*>(work.weights.values);
    ranges.advance(block_end);
    for (int channel = 0; channel < channels; channel += kChunk) {
      const int width = std::min(kChunk, channels - channel);
      std::fill_n(sums, (block_end - row) * width, 0);
      for (int offset = 0; offset < offsets; ++offset, weights += weight_rows * width) {
        Method::add(work, {ranges[offset], row, width}, weights, sums);
      }
      for (int32_t r = row; r < block_end; ++r) {
        finish_row(work.epilogue, sums + (r - row) * width,
                   static_cast<int64_t>(r) * channels + channel, channel, width);
      }
    }
    if (work.epilogue.active) {
      for (int32_t r = row; r < block_end; ++r) note_active(work.epilogue, r, channels);
    }
  }
}

}  // namespace

extern const Kernels SNN_ROS_KERNELS = {
    convolve<GatherMultiply<RealArithmetic>>,
    convolve<GatherMultiply<CountArithmetic<1>>>,
    convolve<EventDriven<CountArithmetic<1>>>,
    convolve<EventDriven<RealArithmetic>>,
    convolve<GatherMultiply<CountArithmetic<2>>>,
    convolve<EventDriven<CountArithmetic<2>>>,
    add_weight_gradient,
};

}  // namespace snn_ros
