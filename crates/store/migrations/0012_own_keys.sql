-- Who observes makes keys for programs of their own, the terminal's login among them. A key is good for no more than its owner.

INSERT INTO permissions (id, resource, action, effect, created_at) VALUES ('key.write', 'key', 'write', 'allow', now())
ON CONFLICT DO NOTHING;

INSERT INTO role_permissions (role_id, permission_id, created_at)
SELECT role, permissions.id, now()
FROM permissions, (VALUES ('operator'), ('observer')) AS seed (role)
WHERE resource = 'key' AND action = 'write' AND effect = 'allow' AND scope IS NULL
ON CONFLICT DO NOTHING;
