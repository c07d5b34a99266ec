// Rulebooks from sites in lexicographic order, given as ascending linear keys.
//
// Moving all sites by the same offset keeps their order, so that a neighbour is found by walking
// along two sorted lists and never by a search.

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <vector>

namespace {

using Keys = std::vector<int64_t>;

// Pairs of one offset.
struct Pairs {
  std::vector<int32_t> inputs, outputs;
};

// Finds for each row the rows whose keys are larger by shifts[0], shifts[1] ..., a run of shifts
// that follow each other. The neighbours then follow each other too: one walk serves the run.
void find_neighbours(const int64_t* keys, int32_t count, const int64_t* shifts, int32_t run,
                     Pairs* pairs) {
  int32_t candidate = 0;
  for (int32_t row = 0; row < count; ++row) {
    const int64_t first = keys[row] + shifts[0];
    while (candidate < count && keys[candidate] < first) ++candidate;
    int32_t next = candidate;
    for (int32_t step = 0; step < run && next < count; ++step) {
      if (keys[next] != first + step) continue;
      pairs[step].inputs.push_back(next++);
      pairs[step].outputs.push_back(row);
    }
  }
}

Keys merged(const std::vector<Keys>& lists, size_t first, size_t last) {
  if (last - first == 1) return lists[first];
  const size_t middle = (first + last) / 2;
  const Keys left = merged(lists, first, middle), right = merged(lists, middle, last);
  Keys all;
  all.reserve(left.size() + right.size());
  std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(all));
  return all;
}

// A convolution along one axis.
struct Axis {
  int32_t kernel, stride, padding, extent, output_extent;

  // For each offset and position the output cell that sees it; -1 for none.
  std::vector<int32_t> cells() const {
    std::vector<int32_t> cells;
    for (int32_t offset = 0; offset < kernel; ++offset) {
      for (int32_t position = 0; position < extent; ++position) {
        const int32_t reached = position + padding - offset, cell = reached / stride;
        const bool exists = reached >= 0 && reached % stride == 0 && cell < output_extent;
        cells.push_back(exists ? cell : -1);
      }
    }
    return cells;
  }
};

struct Strided {
  std::vector<Keys> keys;                  // per offset: output keys, ascending
  std::vector<std::vector<int32_t>> rows;  // per offset: the input rows they come from
  Keys outputs;                            // all output keys, ascending
  std::vector<int64_t> extents;            // of the output, per axis

  // The sites of the output, num_axes + 1 columns.
  void write_sites(int32_t* sites) const {
    const size_t columns = extents.size() + 1;
    for (int64_t key : outputs) {
      for (size_t axis = columns - 1; axis > 0; --axis) {
        sites[axis] = static_cast<int32_t>(key % extents[axis - 1]);
        key /= extents[axis - 1];
      }
      sites[0] = static_cast<int32_t>(key);
      sites += columns;
    }
  }
};

// Notes all pairs of one site, axis by axis.
class Search {
 public:
  Search(const Axis* axes, int32_t num_axes, Strided* found)
      : axes_(axes), num_axes_(num_axes), found_(found) {
    int32_t offsets = 1;
    for (int32_t axis = 0; axis < num_axes; ++axis) {
      offsets *= axes[axis].kernel;
      cells_.push_back(axes[axis].cells());
      found->extents.push_back(axes[axis].output_extent);
    }
    found->keys.resize(offsets);
    found->rows.resize(offsets);
  }

  // `offset` and `key` are those along the axes before `axis`.
  void visit(int32_t row, const int32_t* position, int32_t axis, int32_t offset, int64_t key) {
    if (axis == num_axes_) {
      found_->keys[offset].push_back(key);
      found_->rows[offset].push_back(row);
      return;
    }
    const Axis& along = axes_[axis];
    const int32_t* cell = cells_[axis].data() + position[axis];
    for (int32_t k = 0; k < along.kernel; ++k, cell += along.extent) {
      if (*cell < 0) continue;
      visit(row, position, axis + 1, offset * along.kernel + k, key * along.output_extent + *cell);
    }
  }

 private:
  const Axis* axes_;
  int32_t num_axes_;
  Strided* found_;
  std::vector<std::vector<int32_t>> cells_;
};

Strided find_outputs(const int32_t* sites, int32_t count, const Axis* axes, int32_t num_axes) {
  Strided found;
  Search search(axes, num_axes, &found);
  for (int32_t row = 0; row < count; ++row, sites += num_axes + 1) {
    search.visit(row, sites + 1, 0, 0, sites[0]);
  }
  found.outputs = merged(found.keys, 0, found.keys.size());
  return found;
}

}  // namespace

extern "C" {

// Submanifold convolution. `shifts` are the key distances of the offsets, point-symmetric about the
// centre; only its second half is searched. Buffers hold offsets * count pairs; `starts` has one
// entry more than offsets.
void snn_ros_submanifold(const int64_t* keys, int32_t count, const int64_t* shifts, int32_t offsets,
                         int32_t* inputs, int32_t* outputs, int64_t* starts) {
  const int32_t centre = offsets / 2;
  std::vector<Pairs> later(centre);
  for (Pairs& pairs : later) {
    pairs.inputs.reserve(count);
    pairs.outputs.reserve(count);
  }
  shifts += centre + 1;
  for (int32_t first = 0, run; first < centre; first += run) {
    run = 1;
    while (first + run < centre && shifts[first + run] == shifts[first] + run) ++run;
    find_neighbours(keys, count, shifts + first, run, later.data() + first);
  }
  int64_t next = 0;
  const auto append = [&](const std::vector<int32_t>& in, const std::vector<int32_t>& out) {
    *starts++ = next;
    std::copy(in.begin(), in.end(), inputs + next);
    std::copy(out.begin(), out.end(), outputs + next);
    next += static_cast<int64_t>(in.size());
  };
  std::vector<int32_t> all(count);
  std::iota(all.begin(), all.end(), 0);
  for (int32_t half = centre - 1; half >= 0; --half) {
    append(later[half].outputs, later[half].inputs);
  }
  append(all, all);
  for (const Pairs& pairs : later) append(pairs.inputs, pairs.outputs);
  *starts = next;
}

// Strided convolution, in two calls: the first returns a handle and says how many there are, the
// second writes them and frees the handle. `axes` holds what `Axis` does, `sites` has
// num_axes + 1 columns.
void* snn_ros_strided_begin(const int32_t* sites, int32_t count, const int32_t* axes,
                            int32_t num_axes, int64_t* pairs, int64_t* num_outputs) {
  auto* found = new Strided(
      find_outputs(sites, count, reinterpret_cast<const Axis*>(axes), num_axes));
  *pairs = 0;
  for (const Keys& keys : found->keys) *pairs += static_cast<int64_t>(keys.size());
  *num_outputs = static_cast<int64_t>(found->outputs.size());
  return found;
}

void snn_ros_strided_finish(void* handle, int32_t* inputs, int32_t* outputs, int64_t* starts,
                            int32_t* sites) {
  auto* found = static_cast<Strided*>(handle);
  int64_t next = 0;
  for (size_t offset = 0; offset < found->keys.size(); ++offset) {
    starts[offset] = next;
    size_t output = 0;
    for (size_t pair = 0; pair < found->keys[offset].size(); ++pair, ++next) {
      while (found->outputs[output] < found->keys[offset][pair]) ++output;
      inputs[next] = found->rows[offset][pair];
      outputs[next] = static_cast<int32_t>(output);
    }
  }
  starts[found->keys.size()] = next;
  found->write_sites(sites);
  delete found;
}

}  // extern "C"
