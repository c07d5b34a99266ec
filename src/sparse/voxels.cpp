// Means of points in the cells of a grid, to the bit those of snn_ros/sparse/voxels.py.
//
// A point's cell is computed in float32, its values are added in fixed point: the order of the
// points changes nothing. Points are brought to the order of their cells by sorting digits of keys.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

constexpr double kFixedPoint = 1073741824.0;  // 2^30
constexpr double kLargestFeature = 65536.0;
constexpr int kDigitBits = 11;
constexpr uint64_t kDigits = 1u << kDigitBits;

struct Grid {
  float minimum[3], size[3];  // x, y, z in m
  int32_t extents[3];         // z, y, x
};

// A point that lies in the grid.
struct Entry {
  uint64_t key;   // of its cell, batch and z first
  int32_t point;
  int32_t octant;  // of the cell: 1 in the upper half of x, 2 of y, 4 of z
};

struct Voxelised {
  std::vector<Entry> entries;   // ascending in key
  std::vector<int32_t> starts;  // first entry of each voxel, and the number of entries
  uint64_t largest_key = 0;
  int32_t not_finite = 0, out_of_range = 0;
};

bool all_finite(const float* values, int32_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

void find_cells(const float* points, const int64_t* batch, int32_t count, int32_t features,
                const Grid& grid, Voxelised* found) {
  found->entries.reserve(count);
  for (int32_t point = 0; point < count; ++point, points += features) {
    if (!all_finite(points, features)) {
      ++found->not_finite;
      continue;
    }
    uint64_t key = batch ? static_cast<uint64_t>(batch[point]) : 0;
    int32_t octant = 0;
    bool inside = true;
    for (int axis = 2; axis >= 0; --axis) {
      const int32_t extent = grid.extents[2 - axis];
      const float position = (points[axis] - grid.minimum[axis]) / grid.size[axis];
      inside = position >= 0.0f && position < static_cast<float>(extent);
      if (!inside) break;
      const auto cell = static_cast<int32_t>(position);
      key = key * extent + cell;
      octant |= (position - static_cast<float>(cell) >= 0.5f) << axis;
    }
    if (!inside) {
      ++found->out_of_range;
      continue;
    }
    found->largest_key = std::max(found->largest_key, key);
    found->entries.push_back({key, point, octant});
  }
}

// Stable, digit by digit from the lowest.
void sort_by_key(std::vector<Entry>* entries, uint64_t largest_key) {
  std::vector<Entry> sorted(entries->size());
  for (int shift = 0; shift < 64 && largest_key >> shift; shift += kDigitBits) {
    const auto digit = [shift](const Entry& entry) { return entry.key >> shift & (kDigits - 1); };
    std::array<int32_t, kDigits> place{};
    for (const Entry& entry : *entries) ++place[digit(entry)];
    int32_t next = 0;
    for (int32_t& first : place) next += std::exchange(first, next);
    for (const Entry& entry : *entries) sorted[place[digit(entry)]++] = entry;
    entries->swap(sorted);
  }
}

// Ties go to the even number. A double this large has no fraction left, so adding it rounds.
int64_t fixed_point(float value) {
  constexpr double kNoFraction = 6755399441055744.0;  // 1.5 * 2^52
  const double limited = std::clamp<double>(value, -kLargestFeature, kLargestFeature);
  return static_cast<int64_t>(limited * kFixedPoint + kNoFraction - kNoFraction);
}

void write_coordinates(uint64_t key, const Grid& grid, int32_t* coordinates) {
  for (int axis = 2; axis >= 0; --axis) {
    coordinates[axis + 1] = static_cast<int32_t>(key % grid.extents[axis]);
    key /= grid.extents[axis];
  }
  coordinates[0] = static_cast<int32_t>(key);
}

}  // namespace

extern "C" {

// In two calls: the first returns a handle and says how many voxels there are and how many points
// are left out, the second writes them and frees the handle. `points` has `features` columns, the
// first three x, y, z; `batch` may be null for a single sample.
void* snn_ros_voxelise_begin(const float* points, const int64_t* batch, int32_t count,
                             int32_t features, const void* grid, int32_t* voxels,
                             int32_t* not_finite, int32_t* out_of_range) {
  auto* found = new Voxelised;
  find_cells(points, batch, count, features, *static_cast<const Grid*>(grid), found);
  sort_by_key(&found->entries, found->largest_key);
  const auto& entries = found->entries;
  for (size_t entry = 0; entry < entries.size(); ++entry) {
    if (entry && entries[entry].key == entries[entry - 1].key) continue;
    found->starts.push_back(static_cast<int32_t>(entry));
  }
  *voxels = static_cast<int32_t>(found->starts.size());
  found->starts.push_back(static_cast<int32_t>(entries.size()));
  *not_finite = found->not_finite;
  *out_of_range = found->out_of_range;
  return found;
}

// Per voxel its coordinates (batch, z, y, x), the means of its points, their number, and a bit for
// each octant that holds one.
void snn_ros_voxelise_finish(void* handle, const float* points, int32_t features, const void* grid,
                             int32_t* coordinates, float* means, int64_t* counts,
                             uint8_t* octants) {
  auto* found = static_cast<Voxelised*>(handle);
  std::vector<uint64_t> sums(features);  // two's complement: a sum too large wraps as torch's does
  for (size_t voxel = 0; voxel + 1 < found->starts.size(); ++voxel) {
    const int32_t first = found->starts[voxel], last = found->starts[voxel + 1];
    std::fill(sums.begin(), sums.end(), 0);
    uint8_t seen = 0;
    for (int32_t entry = first; entry < last; ++entry) {
      const float* values = points + static_cast<int64_t>(found->entries[entry].point) * features;
      for (int32_t f = 0; f < features; ++f) sums[f] += static_cast<uint64_t>(fixed_point(values[f]));
      seen |= 1 << found->entries[entry].octant;
    }
    const double divisor = static_cast<double>(last - first) * kFixedPoint;
    for (int32_t f = 0; f < features; ++f) {
      const auto sum = static_cast<double>(static_cast<int64_t>(sums[f]));
      *means++ = static_cast<float>(sum / divisor);
    }
    write_coordinates(found->entries[first].key, *static_cast<const Grid*>(grid),
                      coordinates + 4 * voxel);
    counts[voxel] = last - first;
    octants[voxel] = seen;
  }
  delete found;
}

}  // extern "C"
