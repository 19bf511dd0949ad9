"""The training step of transformer.dl in PyTorch, with the same parameters: the loss, its gradient, clipping and AdamW."""

import torch
import torch.nn.functional as F

HEADS = 4
LR = 1e-3
BETAS, EPS, DECAY, NORM = (0.9, 0.999), 1e-8, 0.01, 1.0
#: Parameters of a block: of products, then scales and biases of norms. Besides there are the tokens and the last norm's scale.
PER_BLOCK = 8


def parameters(shapes, device, generator):
    """Random leaves of the model: matrices as wide as keeps their products, scales about 1."""
    def leaf(shape):
        x = torch.randn(shape, generator=generator)
        return x * 0.02 if len(shape) == 2 else 1 + 0.01 * x
    return [leaf(shape).to(device) for shape in shapes]


def block(p, x):
    wqkv, wo, w1, w2, scale1, bias1, scale2, bias2 = p
    b, t, d = x.shape
    q, k, v = (F.layer_norm(x, (d,), scale1, bias1) @ wqkv).view(b, t, 3, HEADS, d // HEADS).permute(2, 0, 3, 1, 4)
    found = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + found.transpose(1, 2).reshape(b, t, d) @ wo
    return x + F.gelu(F.layer_norm(x, (d,), scale2, bias2) @ w1, approximate="tanh") @ w2


def loss_of(params, text):
    tokens, scale = params[0], params[-1]
    x = tokens[text[:, :-1]]
    for i in range(len(params) // PER_BLOCK):
        x = block(params[1 + PER_BLOCK * i:1 + PER_BLOCK * (i + 1)], x)
    logits = F.rms_norm(x, (x.shape[-1],), scale, 1e-6) @ tokens.T
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), text[:, 1:].reshape(-1))


def update(params, grads, m, v, step):
    """Clips by the global norm, and takes a step of AdamW, in place."""
    norm = torch.sqrt(sum((g * g).sum() for g in grads))
    share = torch.clamp(NORM / norm, max=1.0)
    step += 1
    first, second = 1 - BETAS[0] ** step, 1 - BETAS[1] ** step
    for p, g, mean, square in zip(params, grads, m, v):
        g = g * share
        mean.mul_(BETAS[0]).add_(g, alpha=1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(g, g, value=1 - BETAS[1])
        p.mul_(1 - LR * DECAY).addcdiv_(mean / first, torch.sqrt(square / second) + EPS, value=-LR)


class Step:
    """A step that is called many times; its loss is kept."""

    def __init__(self, params, text, compiled):
        self.params = [p.clone().requires_grad_() for p in params]
        self.m, self.v = ([torch.zeros_like(p) for p in params] for _ in range(2))
        self.step, self.text, self.loss = torch.zeros((), device=text.device), text.long(), None
        self.loss_of = torch.compile(loss_of) if compiled else loss_of
        self.update = torch.compile(torch.no_grad()(update)) if compiled else torch.no_grad()(update)

    def __call__(self):
        loss = self.loss_of(self.params, self.text)
        grads = torch.autograd.grad(loss, self.params)
        self.update(self.params, grads, self.m, self.v, self.step)
        self.loss = loss.detach()
