// Vectors of this instruction set and arithmetic on floats. Every function is the including file's
// own: one that the linker shared between instruction sets would be too new for some CPUs.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "kernels.h"

namespace snn_ros {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kRowsAtOnce = 6, kColumnsAtOnce = kChunk;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kRowsAtOnce = 4, kColumnsAtOnce = 16;
#else
constexpr int kLanes = 4, kRowsAtOnce = 2, kColumnsAtOnce = 16;
#endif

using Floats = float __attribute__((vector_size(4 * kLanes)));
using Ints = int32_t __attribute__((vector_size(4 * kLanes)));

struct RealArithmetic {
  using Feature = float;
  using Weight = float;
  using Sum = float;
  using Vector = Floats;
  static constexpr int kFeaturesPerStep = 1, kPlanes = 1;

  static Vector next_plane(Vector sum) { return sum; }

  static Vector broadcast(const float* feature) {
#if defined(__AVX512F__)
    return (Vector)_mm512_set1_ps(*feature);
#elif defined(__AVX2__)
    return (Vector)_mm256_set1_ps(*feature);
#else
    return Vector{} + *feature;  // an addition, which the others do without
#endif
  }

  static Vector multiply_add(Vector sum, Vector feature, Vector weight) {
#if defined(__AVX512F__)
    return (Vector)_mm512_fmadd_ps((__m512)feature, (__m512)weight, (__m512)sum);
#elif defined(__AVX2__)
    return (Vector)_mm256_fmadd_ps((__m256)feature, (__m256)weight, (__m256)sum);
#else
    return sum + feature * weight;
#endif
  }
};

template <class Vector>
Vector load(const void* address) {
  Vector vector;
  std::memcpy(&vector, address, sizeof vector);
  return vector;
}

template <class Vector>
void add_to(void* address, Vector vector) {
  vector += load<Vector>(address);
  std::memcpy(address, &vector, sizeof vector);
}

}  // namespace
}  // namespace snn_ros
