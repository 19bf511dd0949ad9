// Trains and evaluates the compiled classifier from C++: `train DATA_DIR [LOSSES]`.
//
// The order of the samples is that of the hosts in other languages, so that all print the same. LOSSES gets a line for each
// epoch, the bits of its mean loss.
#include "digits.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::size_t pixels = 64, batch = 32, epochs = 60;

// The data of a NumPy file of format version 1, whose header says `descr`.
template <class T>
std::vector<T> read_npy(const std::string &path, const std::string &descr) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < 10 || bytes.compare(0, 7, "\x93NUMPY\x01") != 0) throw std::runtime_error(path + " is no NumPy file");
  const std::size_t length = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  if (bytes.size() < 10 + length) throw std::runtime_error(path + " is truncated");
  if (bytes.substr(10, length).find(descr) == std::string::npos) throw std::runtime_error(path + " holds another type");
  std::vector<T> data((bytes.size() - 10 - length) / sizeof(T));
  std::memcpy(data.data(), bytes.data() + 10 + length, data.size() * sizeof(T));
  return data;
}

struct samples {
  std::vector<std::uint8_t> images;
  std::vector<std::int32_t> labels;

  template <class Iterator>
  samples pick(Iterator from, Iterator to) const {
    samples picked;
    for (; from != to; ++from) {
      const auto first = images.begin() + static_cast<std::ptrdiff_t>(*from * pixels);
      picked.images.insert(picked.images.end(), first, first + pixels);
      picked.labels.push_back(labels[*from]);
    }
    return picked;
  }
};

// Knuth's MMIX generator; the high bits are the good ones.
std::size_t random_below(std::size_t n) {
  static std::uint64_t state = 1;
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return static_cast<std::size_t>((state >> 33) % n);
}

void run(const std::string &folder, const char *losses) {
  const samples all{read_npy<std::uint8_t>(folder + "/images.npy", "|u1"), read_npy<std::int32_t>(folder + "/labels.npy", "<i4")};
  std::vector<std::size_t> train, test;
  for (std::size_t i = 0; i < all.labels.size(); ++i) (i % 5 == 0 ? test : train).push_back(i);
  std::ofstream bits_of_losses(losses ? losses : "");

  digits::library model;
  digits::State state = digits::State::zeros();
  model.init({0, 42}, state);

  double mean = 0;
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::size_t i = train.size() - 1; i > 0; --i) std::swap(train[i], train[random_below(i + 1)]);
    mean = 0;
    for (std::size_t at = 0; at < train.size(); at += batch) {
      const std::size_t size = std::min(batch, train.size() - at);
      const samples part = all.pick(&train[at], &train[at] + size);
      mean += static_cast<double>(model.train_step(state, part.images, part.labels, 1e-3f)) * static_cast<double>(size);
    }
    mean /= static_cast<double>(train.size());
    std::uint64_t bits;
    std::memcpy(&bits, &mean, sizeof bits);
    char line[20];
    std::snprintf(line, sizeof line, "%016" PRIx64 "\n", bits);
    bits_of_losses << line;
  }

  const samples held_back = all.pick(test.begin(), test.end());
  std::vector<std::int32_t> predicted(test.size());
  model.predict(state.params, held_back.images, predicted);
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) right += predicted[i] == held_back.labels[i];
  std::printf("C++: mean loss of the last epoch %.6f, test accuracy %.4f (%zu of %zu)\n", mean,
              static_cast<double>(right) / static_cast<double>(test.size()), right, test.size());
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: train DATA_DIR [LOSSES]\n";
    return 2;
  }
  try {
    run(argv[1], argc == 3 ? argv[2] : nullptr);
  } catch (const std::exception &error) {
    std::cerr << "digits: " << error.what() << "\n";
    return 1;
  }
}
