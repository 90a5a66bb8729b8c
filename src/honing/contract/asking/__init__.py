"""Who answers: a model through the gateway, samples made elsewhere, a policy; and one rollout of them."""
