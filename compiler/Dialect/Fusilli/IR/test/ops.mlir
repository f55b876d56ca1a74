// RUN: %fusilli-opt %s | FileCheck %s

// CHECK-LABEL: func.func @layouts
// CHECK-SAME: tensor<2x64x56x56xf32, #fusilli.layout<strides = [200704, 1, 3584, 64]>>
// CHECK-SAME: tensor<8x2x64xf32, #fusilli.layout<strides = [0, 0, 1]>>
func.func @layouts(%a: tensor<2x64x56x56xf32, #fusilli.layout<strides = [200704, 1, 3584, 64]>>,
                   %b: tensor<8x2x64xf32, #fusilli.layout<strides = [0, 0, 1]>>) {
  return
}

// CHECK-LABEL: func.func @pointwise
func.func @pointwise(%a: tensor<4x8xf32>, %b: tensor<8xf16>, %c: tensor<4x1xi1>) -> tensor<4x8xf32> {
  // CHECK: fusilli.pointwise RELU_FWD %{{.*}} {node = "relu"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = fusilli.pointwise RELU_FWD %a {node = "relu"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: fusilli.pointwise ELU_FWD %{{.*}} {elu_alpha = 5.000000e-01 : f32}
  %1 = fusilli.pointwise ELU_FWD %0 {elu_alpha = 0.5 : f32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  // CHECK: fusilli.pointwise ADD %{{.*}}, %{{.*}} : (tensor<4x8xf32>, tensor<8xf16>) -> tensor<4x8xf32>
  %2 = fusilli.pointwise ADD %1, %b : (tensor<4x8xf32>, tensor<8xf16>) -> tensor<4x8xf32>
  // CHECK: fusilli.pointwise BINARY_SELECT
  %3 = fusilli.pointwise BINARY_SELECT %c, %1, %2 : (tensor<4x1xi1>, tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// CHECK-LABEL: func.func @reduction
func.func @reduction(%a: tensor<4x8xf32>) -> tensor<4x1xf32> {
  // CHECK: fusilli.reduction MUL_NO_ZEROS %{{.*}} : (tensor<4x8xf32>) -> tensor<4x1xf32>
  %0 = fusilli.reduction MUL_NO_ZEROS %a : (tensor<4x8xf32>) -> tensor<4x1xf32>
  return %0 : tensor<4x1xf32>
}

// CHECK-LABEL: func.func @matmul
func.func @matmul(%a: tensor<2x4x8xbf16>, %b: tensor<1x8x3xbf16, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32> {
  // CHECK: fusilli.matmul %{{.*}}, %{{.*}} : (tensor<2x4x8xbf16>, tensor<1x8x3xbf16, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32>
  %0 = fusilli.matmul %a, %b : (tensor<2x4x8xbf16>, tensor<1x8x3xbf16, #fusilli.layout<strides = [24, 1, 8]>>) -> tensor<2x4x3xf32>
  return %0 : tensor<2x4x3xf32>
}

// CHECK-LABEL: func.func @conv
func.func @conv(%x: tensor<1x4x5x5xf32>, %w: tensor<6x2x3x3xf32>) -> tensor<1x6x3x3xf32> {
  // CHECK: fusilli.conv_fprop %{{.*}}, %{{.*}} padding = [1, 1] stride = [2, 2] dilation = [1, 1] {node = "conv"}
  %0 = fusilli.conv_fprop %x, %w padding = [1, 1] stride = [2, 2] dilation = [1, 1] {node = "conv"} : (tensor<1x4x5x5xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x3x3xf32>
  return %0 : tensor<1x6x3x3xf32>
}

// CHECK-LABEL: func.func @constant
func.func @constant() -> tensor<1xf32> {
  // CHECK: fusilli.constant dense<5.000000e-01> : tensor<1xf32>
  %0 = fusilli.constant dense<0.5> : tensor<1xf32>
  return %0 : tensor<1xf32>
}

// CHECK-LABEL: func.func @dispatch
func.func @dispatch(%a: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: fusilli.dispatch @kernel(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf32>
  %0 = fusilli.dispatch @kernel(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func private @kernel(%a: tensor<4xf32>) -> tensor<4xf32> attributes {fusilli.kernel} {
  return %a : tensor<4xf32>
}
