// Calls of zoo.dl through its C++ header. What is printed stands behind each `//=`, in order.
#include "zoo.hpp"

#include <iostream>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

template <class Call>
void say(Call call) {
  try {
    std::cout << call() << "\n";
  } catch (const zoo::error &error) {
    std::cout << error.status() << " " << error.what() << "\n";
  }
}

int main() {
  zoo::library model;
  zoo::Net net = zoo::Net::zeros();
  model.start({0, 42}, net);
  net.layers[0].w = {1, 2, 3, 4, 5, 6};
  const std::vector<float> x{1, 2, 3, 6};
  say([&] { return model.step(net, x, 0.5f); });      //= 3
  say([&] { return net.layers[0].w[5]; });            //= 7.5
  say([&] { return std::get<1>(net.from); });         //= 8
  const zoo::Net &constant = net;
  say([&] { return model.weight(constant); });        //= 30

  std::vector<double> odd{0, 1, 2, 3, 4, 5, 6};
  std::array<double, 3> half{};
  model.halves(odd, half);
  say([&] { return half[0] + 10 * half[1] + 100 * half[2]; });  //= 321
  odd.pop_back();
  say([&] { return model.halves(odd, half), 0; });
  //= 0 DL1003 halves: x has 6 elements, expected f64[2*N + 1], that is 7 with N = 3

  float ones[6] = {1, 1, 1, 1, 1, 1};
  std::vector<float> two(2), out(2);
  say([&] { return model.product(ones, two, out), 0; });
  //= 0 DL1003 product: x has 6 elements, expected f32[M*N], that is 4 with M = 2, N = 2
#if __cplusplus >= 202002L
  say([&] { return model.product(std::span<const float>(ones, 4), two, std::span(out)), 0; });  //= 0
#else
  say([&] { return model.product({ones, 4}, two, out), 0; });
#endif

  say([&] { return model.trace({ones, {2, 2}}); });  //= 2
  say([&] { return model.trace({ones, {2, 3}}); });
  //= 0 DL1003 trace: x has shape [2, 3], expected f32[N, N] with N = 2
  say([&] { return model.trace({ones, 4}); });
  //= 0 DL1004 trace: no argument gives the dim N; pass one with its shape
  say([&] { return model.trace({ones, {1, 1}}); });
  //= 17 DL1002 trace: the condition N > 1 does not hold (zoo.dl:58); N = 1

  std::vector<std::int32_t> numbers(4);
  float number = 0;
  model.count({numbers, {&number, 1}});
  say([&] { return static_cast<float>(numbers[3]) + number; });  //= 5.5

  net.layers[1].b.resize(4);
  say([&] { return model.step(net, x, 1); });
  //= 0 DL1003 step: net.layers.1.b has 4 elements, expected f32[3], that is 3
  say([&] { return model.step(zoo::Net::zeros(), std::vector<float>(18), 1), 0; });
  //= 16 DL1001 step: B is outside its declared range 1..=8 (zoo.dl:18); B = 9
  say([&] { return model.workspace_bytes() > 0; });  //= 1
}
