// The C interface of the convolutions: which kernels this CPU can run, and work for its threads.

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "kernels.h"

namespace snn_ros {
namespace {

// Ranges of rows that threads take one after the other; a whole number of blocks.
constexpr int32_t kRange = 4 * kBlock;

enum InstructionSet : int32_t { kPortable = 0, kAvx2 = 1, kAvx512 = 2 };

const Kernels& kernels_of(int32_t instruction_set) {
#if defined(SNN_ROS_X86)
  if (instruction_set == kAvx512) return kAvx512Kernels;
  if (instruction_set == kAvx2) return kAvx2Kernels;
#endif
  return kPortableKernels;
}

// Calls work(first, last) on ranges of `length` of 0 to count, from `threads` threads.
template <class Work>
void in_ranges(int32_t count, int32_t length, int32_t threads, const Work& work) {
  std::atomic<int32_t> next{0};
  const auto take_ranges = [&] {
    for (int32_t first; (first = next.fetch_add(length)) < count;) {
      work(first, std::min(first + length, count));
    }
  };
  std::vector<std::thread> others;
  const int32_t useful = std::min(threads, (count + length - 1) / length);
  for (int32_t thread = 1; thread < useful; ++thread) others.emplace_back(take_ranges);
  take_ranges();
  for (std::thread& other : others) other.join();
}

void convolve_rows(const Convolution& work, Kernel kernel, int32_t threads) {
  in_ranges(work.rulebook.num_outputs, kRange, threads,
            [&](int32_t first, int32_t last) { kernel(work, first, last); });
}

// The events of input rows first to last, each row in its own slots. A row has so many bytes.
void find_events(const Convolution& work, int64_t row_bytes, int32_t first, int32_t last,
                 Event* events, int32_t* count) {
  const int32_t steps = work.weights.steps;
  for (int32_t row = first; row < last; ++row) {
    const uint8_t* features = static_cast<const uint8_t*>(work.features) + row * row_bytes;
    Event* slots = events + static_cast<int64_t>(row) * steps;
    int32_t found = 0;
    for (int32_t step = 0; step < steps; ++step) {
      slots[found].step = step;
      std::memcpy(&slots[found].features, features + 4 * step, 4);
      found += slots[found].features != 0;
    }
    count[row] = found;
  }
}

void convolve_events(const Convolution& work, int64_t row_bytes, Kernel kernel, int32_t threads) {
  // kept from call to call: fresh memory costs more than the arithmetic on it
  thread_local std::vector<Event> events;
  const int32_t rows = work.rulebook.num_inputs;
  const size_t slots = static_cast<size_t>(rows) * work.weights.steps + 1;
  if (events.size() < slots) events.resize(slots);
  std::vector<int32_t> count(rows);
  Event* found = events.data();  // of this thread, not of its helpers
  in_ranges(rows, kRange, threads, [&](int32_t first, int32_t last) {
    find_events(work, row_bytes, first, last, found, count.data());
  });
  Convolution with_events = work;
  with_events.events = {found, count.data()};
  convolve_rows(with_events, kernel, threads);
}

}  // namespace
}  // namespace snn_ros

using snn_ros::Convolution;

extern "C" {

// The best instruction set of this CPU: 0 portable, 1 AVX2, 2 AVX-512 with VNNI.
int32_t snn_ros_instruction_set() {
#if defined(SNN_ROS_X86)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vnni")) {
    return snn_ros::kAvx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return snn_ros::kAvx2;
#endif
  return snn_ros::kPortable;
}

void snn_ros_convolve_floats(const Convolution* work, int32_t instruction_set, int32_t threads) {
  snn_ros::convolve_rows(*work, snn_ros::kernels_of(instruction_set).floats, threads);
}

void snn_ros_convolve_counts(const Convolution* work, int32_t instruction_set, int32_t threads) {
  snn_ros::convolve_rows(*work, snn_ros::kernels_of(instruction_set).counts, threads);
}

void snn_ros_convolve_wide_counts(const Convolution* work, int32_t instruction_set,
                                  int32_t threads) {
  snn_ros::convolve_rows(*work, snn_ros::kernels_of(instruction_set).wide_counts, threads);
}

void snn_ros_convolve_events(const Convolution* work, int32_t instruction_set, int32_t threads) {
  snn_ros::convolve_events(*work, work->weights.in_stride,
                           snn_ros::kernels_of(instruction_set).events, threads);
}

void snn_ros_convolve_wide_events(const Convolution* work, int32_t instruction_set,
                                  int32_t threads) {
  snn_ros::convolve_events(*work, work->weights.in_stride,
                           snn_ros::kernels_of(instruction_set).wide_events, threads);
}

void snn_ros_convolve_float_events(const Convolution* work, int32_t instruction_set,
                                   int32_t threads) {
  snn_ros::convolve_events(*work, int64_t{4} * work->weights.in_stride,
                           snn_ros::kernels_of(instruction_set).float_events, threads);
}

void snn_ros_weight_gradient(const snn_ros::WeightGradient* work, int32_t instruction_set,
                             int32_t threads) {
  const auto kernel = snn_ros::kernels_of(instruction_set).weight_gradient;
  const int32_t chunks = (work->in_channels + snn_ros::kChunk - 1) / snn_ros::kChunk;
  snn_ros::in_ranges(work->rulebook.offsets * chunks, 1, threads,
                     [&](int32_t first, int32_t last) { kernel(*work, first, last); });
}

}  // extern "C"
