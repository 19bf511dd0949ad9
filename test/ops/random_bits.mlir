// dl.random_bits: Threefry-2x32 bits of a key, laid out as JAX's partitionable ones.
// RUN: dlc-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: dlc-opt %s --split-input-file --verify-diagnostics --dl-to-linalg | FileCheck %s --check-prefix=LOWER

// The values are those of JAX 0.10.2: jax.random.bits(jax.random.key(SEED), shape, dtype), jax_enable_x64.
//
// EVAL: @words([0, 42]) == [[2098992034, 2919706841, 2646866425], [2409546199, 1935504149, 2516274904]]
// EVAL: @bytes(5, [0, 42]) == [162, 217, 249, 215, 21]
// EVAL: @bytes(0, [0, 42]) == []
// EVAL: @long(3, [0, 42]) == [7871734211187709741, 276886910877598708, 10591095138341673235]
// EVAL: @long(2, [7, 3]) == [16015256937121266840, 15616989336965086260]
// EVAL: @one([0, 0]) == 4070199207

// CHECK-LABEL: func.func @words(
// CHECK: dl.random_bits %{{.*}} sizes() : tensor<2xui32> -> tensor<2x3xui32>
// LOWER-LABEL: func.func @words(
// LOWER-NOT: dl.random_bits
// LOWER: return
func.func @words(%k: tensor<2xui32>) -> tensor<2x3xui32> {
  %y = dl.random_bits %k sizes() : tensor<2xui32> -> tensor<2x3xui32>
  return %y : tensor<2x3xui32>
}

func.func @bytes(%n: index, %k: tensor<2xui32>) -> tensor<?xui8> {
  %y = dl.random_bits %k sizes(%n) : tensor<2xui32> -> tensor<?xui8>
  return %y : tensor<?xui8>
}

func.func @long(%n: index, %k: tensor<2xui32>) -> tensor<?xui64> {
  %y = dl.random_bits %k sizes(%n) : tensor<2xui32> -> tensor<?xui64>
  return %y : tensor<?xui64>
}

func.func @one(%k: tensor<2xui32>) -> tensor<ui32> {
  %y = dl.random_bits %k sizes() : tensor<2xui32> -> tensor<ui32>
  return %y : tensor<ui32>
}

// -----

func.func @c1(%k: tensor<3xui32>) -> tensor<4xui32> {
  // expected-error @+1 {{C1: a key is tensor<2xui32>, not 'tensor<3xui32>'}}
  %y = dl.random_bits %k sizes() : tensor<3xui32> -> tensor<4xui32>
  return %y : tensor<4xui32>
}

// -----

func.func @c2(%k: tensor<2xui32>) -> tensor<?xui32> {
  // expected-error @+1 {{C2: 1 sizes expected, 0 given}}
  %y = dl.random_bits %k sizes() : tensor<2xui32> -> tensor<?xui32>
  return %y : tensor<?xui32>
}

// -----

func.func @c3(%k: tensor<4x2xui32>) -> tensor<3x4xui32> {
  // expected-error @+1 {{C3: the result begins with the axes of keys}}
  %y = dl.random_bits %k sizes() : tensor<4x2xui32> -> tensor<3x4xui32>
  return %y : tensor<3x4xui32>
}
