"""The same network, served as one does it in Python: a picture's file in, JSON out. SERVED names its weights."""

import io
import os

import numpy as np
from fastapi import FastAPI, Request
from PIL import Image

SERVED = os.environ["SERVED"]
app = FastAPI()

if SERVED.endswith(".onnx"):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(SERVED, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def logits(images):
        return session.run(None, {name: images})[0]

else:
    import torch
    from safetensors.torch import load_file
    from torch import nn

    torch.set_num_threads(1)

    class Net(nn.Module):
        def __init__(self, features, hidden, classes):
            super().__init__()
            self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
            self.fc = nn.Linear(2 * hidden, classes)

        def forward(self, images):
            _, (state, _) = self.lstm(images)
            return self.fc(torch.cat([state[0], state[1]], 1))

    weights = load_file(SERVED)
    net = Net(weights["lstm.weight_ih_l0"].shape[1], weights["lstm.weight_hh_l0"].shape[1], len(weights["fc.bias"]))
    net.load_state_dict(weights)
    net.eval()

    def logits(images):
        with torch.inference_mode():
            return net(torch.from_numpy(images)).numpy()


@app.post("/predict")
async def predict(request: Request):
    picture = Image.open(io.BytesIO(await request.body())).convert("L")
    image = np.asarray(picture, dtype=np.float32)[None] / 255
    found = logits(image)[0].astype(np.float64)
    probabilities = np.exp(found - found.max())
    probabilities /= probabilities.sum()
    best = int(probabilities.argmax())
    prediction = {"class": str(best), "probability": probabilities[best], "probabilities": probabilities.tolist()}
    return {"predictions": [prediction]}
