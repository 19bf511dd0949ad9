// Trains the network of spiral.dl on points that it makes, and prints the loss as it falls.
#include "spiral.hpp"

#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

namespace {

constexpr int ARMS = 3; // as in spiral.dl
constexpr int POINTS = 100 * ARMS, STEPS = 500;

/// Points on the arms of a spiral, and the arm of each.
struct Spiral {
    std::vector<float> points;
    std::vector<int32_t> arms;

    Spiral() {
        for (int i = 0; i < POINTS; ++i) {
            double radius = double(i / ARMS + 1) / (POINTS / ARMS);
            double angle = 4 * radius + 2 * 3.141592653589793 / ARMS * (i % ARMS);
            points.push_back(float(radius * std::cos(angle)));
            points.push_back(float(radius * std::sin(angle)));
            arms.push_back(i % ARMS);
        }
    }
};

void train() {
    const Spiral data;
    spiral::library library;
    spiral::State state = spiral::State::zeros();
    library.init({0, 42}, state);

    for (int i = 0; i <= STEPS; ++i) {
        float loss = library.train_step(state, data.points, data.arms, 0.02f);
        if (i % 100 == 0) std::printf("step %3d  loss %.4f\n", i, loss);
    }

    std::vector<int32_t> predicted(POINTS);
    library.predict(state.params, data.points, predicted);
    int right = 0;
    for (int i = 0; i < POINTS; ++i) right += predicted[i] == data.arms[i];
    std::printf("%d of %d points are told right\n", right, POINTS);
}

} // namespace

int main() {
    try {
        train();
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
