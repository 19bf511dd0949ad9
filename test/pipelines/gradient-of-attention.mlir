// RUN: dlc-opt %s --pass-pipeline="builtin.module(inline,expand-derivatives,inline,func.func(simplify-dl),canonicalize,cse,func.func(rematerialize))" | FileCheck %s

// Of the tensors of T x T elements that the way forth makes the way back reads one: the weights, which the way forth keeps
// as well until it has multiplied with them. Five products are what it takes by hand, too, beside the one for the value.
// CHECK-LABEL: func.func @step(
// CHECK-SAME:    %[[Q:[^:]*]]: tensor<512x64xf32>, %[[K:[^:]*]]: tensor<512x64xf32>, %[[V:[^:]*]]: tensor<512x64xf32>
// CHECK:         %[[S:.*]] = dl.dot_general %[[Q]], %[[K]] batch [] x [] contract [1] x [1]
// CHECK:         %[[SCALED:.*]] = dl.mul %[[S]]
// CHECK:         %[[MASKED:.*]] = dl.select %[[MASK:[^,]*]], %[[SCALED]]
// CHECK:         %[[Z:.*]] = dl.sub %[[MASKED]]
// CHECK:         %[[E:.*]] = dl.exp %[[Z]]
// CHECK:         %[[A:.*]] = dl.div %[[E]]
// CHECK-NEXT:    %[[O:.*]] = dl.dot_general %[[A]], %[[V]]
// CHECK-NOT:     %[[S]]{{[ ,]}}
// CHECK-NOT:     %[[SCALED]]{{[ ,]}}
// CHECK-NOT:     %[[MASK]]{{[ ,]}}
// CHECK-NOT:     %[[MASKED]]{{[ ,]}}
// CHECK-NOT:     %[[Z]]{{[ ,]}}
// CHECK-NOT:     %[[E]]{{[ ,]}}
// CHECK:         %[[DA:.*]] = dl.dot_general %{{.*}}, %[[V]] batch [] x [] contract [1] x [1]
// CHECK-NEXT:    %[[DV:.*]] = dl.dot_general %[[A]]
// CHECK-NEXT:    dl.mul %[[DA]], %[[A]]
// CHECK-NOT:     %[[S]]{{[ ,]}}
// CHECK-NOT:     %[[SCALED]]{{[ ,]}}
// CHECK-NOT:     %[[MASK]]{{[ ,]}}
// CHECK-NOT:     %[[MASKED]]{{[ ,]}}
// CHECK-NOT:     %[[Z]]{{[ ,]}}
// CHECK-NOT:     %[[E]]{{[ ,]}}
// CHECK:         %[[DQ:.*]] = dl.dot_general %{{.*}}, %[[K]]
// CHECK-NEXT:    %[[DK:.*]] = dl.dot_general %{{.*}}, %[[Q]]
// CHECK-NEXT:    return %{{.*}}, %[[DQ]], %[[DK]], %[[DV]]
func.func @step(%q: tensor<512x64xf32>, %k: tensor<512x64xf32>, %v: tensor<512x64xf32>) -> (tensor<f32>, tensor<512x64xf32>, tensor<512x64xf32>, tensor<512x64xf32>) {
  %0:4 = dl.grad @loss(%q, %k, %v) wrt [0, 1, 2] value : (tensor<512x64xf32>, tensor<512x64xf32>, tensor<512x64xf32>) -> (tensor<f32>, tensor<512x64xf32>, tensor<512x64xf32>, tensor<512x64xf32>)
  return %0#0, %0#1, %0#2, %0#3 : tensor<f32>, tensor<512x64xf32>, tensor<512x64xf32>, tensor<512x64xf32>
}

func.func private @loss(%q: tensor<512x64xf32>, %k: tensor<512x64xf32>, %v: tensor<512x64xf32>) -> tensor<f32> {
  %scale = dl.constant dense<0.125> : tensor<f32>
  %lowest = dl.constant dense<-1.0e38> : tensor<f32>
  %s = dl.dot_general %q, %k batch [] x [] contract [1] x [1] : (tensor<512x64xf32>, tensor<512x64xf32>) -> tensor<512x512xf32>
  %scales = dl.broadcast %scale axes [] sizes() : tensor<f32> -> tensor<512x512xf32>
  %scaled = dl.mul %s, %scales : tensor<512x512xf32>
  %row = dl.iota axis 0 sizes() : tensor<512x512xi64>
  %column = dl.iota axis 1 sizes() : tensor<512x512xi64>
  %seen = dl.greater_equal %row, %column : tensor<512x512xi64> -> tensor<512x512xi1>
  %lowests = dl.broadcast %lowest axes [] sizes() : tensor<f32> -> tensor<512x512xf32>
  %masked = dl.select %seen, %scaled, %lowests : tensor<512x512xi1>, tensor<512x512xf32>
  %max = dl.reduce "max" %masked axes [1] : tensor<512x512xf32> -> tensor<512xf32>
  %constant = dl.stop_gradient %max : tensor<512xf32>
  %maxes = dl.broadcast %constant axes [0] sizes() : tensor<512xf32> -> tensor<512x512xf32>
  %z = dl.sub %masked, %maxes : tensor<512x512xf32>
  %e = dl.exp %z : tensor<512x512xf32>
  %sum = dl.reduce "sum" %e axes [1] : tensor<512x512xf32> -> tensor<512xf32>
  %sums = dl.broadcast %sum axes [0] sizes() : tensor<512xf32> -> tensor<512x512xf32>
  %a = dl.div %e, %sums : tensor<512x512xf32>
  %o = dl.dot_general %a, %v batch [] x [] contract [1] x [0] : (tensor<512x512xf32>, tensor<512x64xf32>) -> tensor<512x64xf32>
  %square = dl.square %o : tensor<512x64xf32>
  %loss = dl.reduce "sum" %square axes [0, 1] : tensor<512x64xf32> -> tensor<f32>
  return %loss : tensor<f32>
}
