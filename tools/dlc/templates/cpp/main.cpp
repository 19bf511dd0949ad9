// Trains the network of spiral.dl on points that it makes, and prints the loss as it falls.
//
// All memory is the program's: the model takes pointers and allocates none.
#include "spiral.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <vector>

namespace {

// As in spiral.dl.
constexpr int HIDDEN = 32, ARMS = 3;
constexpr int POINTS = 100 * ARMS, STEPS = 500;

void check(int32_t status, const char *message) {
    if (status != 0) throw std::runtime_error(message);
}

/// The memory of a `Params` of spiral.dl; the model gets pointers to it.
struct Params {
    std::vector<float> w1 = std::vector<float>(2 * HIDDEN), b1 = std::vector<float>(HIDDEN);
    std::vector<float> w2 = std::vector<float>(HIDDEN * ARMS), b2 = std::vector<float>(ARMS);

    spiral_Params pointers() { return {w1.data(), b1.data(), w2.data(), b2.data()}; }
};

/// Scratch memory, aligned as the model wants it.
class Workspace {
public:
    explicit Workspace(size_t bytes) : lines(bytes / sizeof(Line) + 1) {}
    void *data() { return lines.data(); }
    size_t bytes() const { return lines.size() * sizeof(Line); }

private:
    struct alignas(64) Line {
        char bytes[64];
    };
    std::vector<Line> lines;
};

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
    Params params, m, v;
    int32_t step = 0;
    spiral_State state = {params.pointers(), {m.pointers(), v.pointers(), &step}};
    Workspace workspace(std::max({spiral_init_workspace(), spiral_train_step_workspace(POINTS),
                                  spiral_predict_workspace(POINTS)}));

    const uint32_t key[2] = {0, 42};
    int32_t status = spiral_init(key, &state, workspace.data(), workspace.bytes());
    check(status, spiral_init_message(status));

    for (int i = 0; i <= STEPS; ++i) {
        float loss = 0;
        status = spiral_train_step(POINTS, &state, data.points.data(), data.arms.data(), 0.02f, &loss,
                                   workspace.data(), workspace.bytes());
        check(status, spiral_train_step_message(status));
        if (i % 100 == 0) std::printf("step %3d  loss %.4f\n", i, loss);
    }

    std::vector<int32_t> predicted(POINTS);
    status = spiral_predict(POINTS, &state.params, data.points.data(), predicted.data(), workspace.data(),
                            workspace.bytes());
    check(status, spiral_predict_message(status));
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
