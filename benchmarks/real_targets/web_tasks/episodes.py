"""Plays episodes of web tasks with a model: the page's text goes out, the number of an element comes back."""

import json
import os
import re
import urllib.request
from pathlib import Path

import gymnasium
import miniwob
from miniwob.action import ActionTypes

TASKS = ("click-test-2", "click-button", "click-link")
CLICKABLE = ("button", "a", "span", "input_button", "input_submit")


def ask(prompt: str) -> str:
    body = {"model": os.environ["HONING_MODEL"], "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def shown(observation: dict) -> str:
    """The prompt: what is wanted, and what can be clicked."""
    lines = [
        f"{element['ref']}: {element['tag']} {element['text']}"
        for element in observation["dom_elements"]
        if element["tag"] in CLICKABLE and element["text"]
    ]
    return (
        "You see a web page.\n"
        f"Task: {observation['utterance']}\n"
        "Elements:\n" + "\n".join(lines) + "\n"
        "Reply with the number of the element to click, and nothing else."
    )


def play(task: str, seed: int) -> dict:
    """One episode; a reply without a number clicks nothing and is lost."""
    environment = gymnasium.make(f"miniwob/{task}-v1", render_mode=None)
    try:
        observation, _ = environment.reset(seed=seed)
        prompt = shown(observation)
        reply = ask(prompt)
        found = re.fullmatch(r"\s*(\d+)\s*", reply)
        reward = -1.0
        if found is not None:
            action = environment.unwrapped.create_action(ActionTypes.CLICK_ELEMENT, ref=int(found[1]))
            *_, info = environment.step(action)
            reward = float(info["raw_reward"])
        return {"id": f"{task}/{seed}", "prompt": prompt, "completion": reply, "reward": reward}
    finally:
        environment.close()


def main() -> None:
    gymnasium.register_envs(miniwob)
    limit = int(os.environ.get("HONING_LIMIT") or 24)
    with Path("episodes.jsonl").open("w", encoding="utf-8") as out:
        for number in range(limit):
            episode = play(TASKS[number % len(TASKS)], number // len(TASKS))
            out.write(json.dumps(episode) + "\n")


if __name__ == "__main__":
    main()
